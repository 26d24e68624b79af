CREATE TABLE rows AS
  SELECT receive_ns / 1000000 AS receive_ms, kind, event_ms - receive_ns / 1000000 AS behind FROM input;
CREATE TABLE ends AS SELECT DISTINCT receive_ms / 60000 * 60000 AS start FROM rows;
WITH RECURSIVE steps(step) AS (SELECT 1 UNION ALL SELECT step + 1 FROM steps WHERE step < 12)
SELECT strftime('%Y-%m-%d %H:%M:%S', start / 1000, 'unixepoch'),
       strftime('%Y-%m-%d %H:%M:%S', (start + step * 5000) / 1000, 'unixepoch'), count(*), sum(kind = 'trade'),
       min(behind), max(behind)
FROM ends, steps JOIN rows ON receive_ms >= start AND receive_ms < start + step * 5000 GROUP BY start, step;
