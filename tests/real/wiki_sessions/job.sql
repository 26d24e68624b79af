CREATE TABLE edits (
  `user` STRING, ts_ms BIGINT, delta INT, ts AS TO_TIMESTAMP_LTZ(ts_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true');

CREATE TABLE answer (
  window_start TIMESTAMP(3), window_end TIMESTAMP(3), edits BIGINT, total INT, least INT, most INT
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT window_start, window_end, COUNT(*), SUM(delta), MIN(delta), MAX(delta)
FROM TABLE(SESSION(TABLE edits PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY `user`, window_start, window_end;
