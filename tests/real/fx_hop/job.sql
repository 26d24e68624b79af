CREATE TABLE quotes (
  ts_ms BIGINT, bid DECIMAL(10, 5), ask DECIMAL(10, 5), ts AS TO_TIMESTAMP_LTZ(ts_ms, 3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true');

CREATE TABLE answer (
  window_start TIMESTAMP(3), quotes BIGINT, low DECIMAL(10, 5), high DECIMAL(10, 5)
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT window_start, COUNT(*), MIN(bid), MAX(ask)
FROM TABLE(HOP(TABLE quotes, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
