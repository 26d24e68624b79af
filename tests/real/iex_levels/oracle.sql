SELECT strftime('%Y-%m-%d %H:%M:%S', nanos / 1000000000, 'unixepoch'), type, count(*),
       ifnull(sum(nullif(size, '') + 0), 'NULL'), iif(max(price) = '', 'NULL', printf('%.4f', min(nullif(price, '') + 0) / 10000.0)),
       iif(max(price) = '', 'NULL', printf('%.4f', max(nullif(price, '') + 0) / 10000.0)), max(sequence + 0)
FROM input GROUP BY 1, 2;
