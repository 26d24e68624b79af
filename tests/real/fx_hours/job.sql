CREATE TABLE quotes (
  venue STRING, pair STRING, ts_ms BIGINT, bid DECIMAL(10, 5), ask DECIMAL(10, 5),
  ts AS TO_TIMESTAMP_LTZ(ts_ms, 3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true');

CREATE TABLE answer (
  venue STRING, pair STRING, window_start TIMESTAMP(3), quotes BIGINT, low DECIMAL(10, 5), high DECIMAL(10, 5),
  spreads DECIMAL(38, 5)
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT venue, pair, window_start, COUNT(*), MIN(bid), MAX(ask), SUM(ask - bid)
FROM TABLE(TUMBLE(TABLE quotes, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY venue, pair, window_start, window_end;
