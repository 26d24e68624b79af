CREATE TABLE feed (
  receive_ns BIGINT, event_ms BIGINT, kind STRING, price DECIMAL(12, 2), quantity DECIMAL(18, 3),
  ts AS TO_TIMESTAMP_LTZ(event_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '0.01' SECOND
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true',
        'csv.null-literal' = '');

CREATE TABLE answer (
  window_start TIMESTAMP(3), kind STRING, messages BIGINT, low DECIMAL(12, 2), high DECIMAL(12, 2), quantity DECIMAL(38, 3)
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT window_start, kind, COUNT(*), MIN(price), MAX(price), SUM(quantity)
FROM TABLE(TUMBLE(TABLE feed, DESCRIPTOR(ts), INTERVAL '0.1' SECOND))
GROUP BY window_start, window_end, kind;
