SELECT venue, pair, strftime('%Y-%m-%d %H:00:00', ts_ms / 1000, 'unixepoch'), count(*), printf('%.5f', min(bid + 0.0)),
       printf('%.5f', max(ask + 0.0)), printf('%.5f', sum(CAST(round((ask - bid) * 1e5) AS INTEGER)) / 1e5)
FROM input GROUP BY venue, pair, ts_ms / 3600000;
