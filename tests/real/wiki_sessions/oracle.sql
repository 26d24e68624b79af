CREATE TABLE starts AS
  SELECT user, CAST(ts_ms AS INTEGER) AS ts, CAST(delta AS INTEGER) AS delta,
         coalesce(ts_ms - lag(ts_ms) OVER (PARTITION BY user ORDER BY CAST(ts_ms AS INTEGER)), 1e18) > 600000 AS starts FROM input;
CREATE TABLE numbered AS
  SELECT *, sum(starts) OVER (PARTITION BY user ORDER BY ts, starts DESC ROWS UNBOUNDED PRECEDING) AS session FROM starts;
CREATE TABLE sessions AS
  SELECT min(ts) AS s, max(ts) + 600000 AS e, count(*) AS n, sum(delta) AS total, min(delta) AS least, max(delta) AS most
  FROM numbered GROUP BY user, session;
SELECT rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%S', s / 1000, 'unixepoch') || printf('.%03d', s % 1000), '0'), '.'),
       rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%S', e / 1000, 'unixepoch') || printf('.%03d', e % 1000), '0'), '.'),
       n, total, least, most FROM sessions;
