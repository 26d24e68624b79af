-- A row is late when its ten seconds had closed by the watermark of the rows before it: the greatest time so far less 20 s.
CREATE TABLE judged AS
  SELECT *, ts_s - ts_s % 10 AS slot,
         coalesce(ts_s - ts_s % 10 + 10 <= max(CAST(ts_s AS INTEGER)) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - 20, 0) AS late
  FROM input;
SELECT strftime('%Y-%m-%d %H:%M:%S', slot, 'unixepoch'), status, count(*), count(nullif(bytes, '')),
       coalesce(sum(CAST(nullif(bytes, '') AS INTEGER)), ''), min(host)
FROM judged WHERE NOT late GROUP BY slot, status;
SELECT 'late', sum(late) FROM judged;
