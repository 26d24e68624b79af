CREATE TABLE feed (
  receive_ns BIGINT, event_ms BIGINT, kind STRING, price DECIMAL(12, 2), quantity DECIMAL(18, 3),
  ts AS TO_TIMESTAMP_LTZ(receive_ns / 1000000, 3), WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true',
        'csv.null-literal' = '');

CREATE TABLE answer (
  window_start TIMESTAMP(3), window_end TIMESTAMP(3), messages BIGINT, trades BIGINT, behind_min BIGINT, behind_max BIGINT
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

-- How far the recorder's clock is behind the exchange's, in milliseconds.
INSERT INTO answer
SELECT window_start, window_end, COUNT(*), COUNT(*) FILTER (WHERE kind = 'trade'),
       MIN(event_ms - receive_ns / 1000000), MAX(event_ms - receive_ns / 1000000)
FROM TABLE(CUMULATE(TABLE feed, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
