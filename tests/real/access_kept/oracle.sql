-- A row is late when its minute had closed by the watermark of the rows before it: the greatest time so far less 60 s.
CREATE TABLE judged AS
  SELECT *, ts_s - ts_s % 60 AS minute,
         coalesce(ts_s - ts_s % 60 + 60 <= max(CAST(ts_s AS INTEGER)) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - 60, 0) AS late
  FROM input;
SELECT strftime('%Y-%m-%d %H:%M:%S', minute, 'unixepoch'), status, count(*), count(nullif(bytes, '')),
       coalesce(sum(CAST(nullif(bytes, '') AS INTEGER)), ''), min(host)
FROM judged WHERE NOT late GROUP BY minute, status;
SELECT 'late', sum(late) FROM judged;
