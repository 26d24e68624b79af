CREATE TABLE slices AS
  SELECT ts_ms / 300000 AS slice, count(*) AS quotes, min(bid + 0.0) AS low, max(ask + 0.0) AS high FROM input GROUP BY 1;
WITH RECURSIVE places(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM places WHERE place < 11)
SELECT strftime('%Y-%m-%d %H:%M:%S', (slice - place) * 300, 'unixepoch'), sum(quotes), printf('%.5f', min(low)),
       printf('%.5f', max(high))
FROM slices, places GROUP BY slice - place;
