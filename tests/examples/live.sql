-- Readings as they arrive: JSON lines over TCP in, one line a sensor and second out. In one terminal
--   weir run tests/examples/live.sql
-- and in another
--   tests/examples/feed.sh 127.0.0.1 9099
CREATE TABLE readings (
  sensor STRING,
  at_ms  BIGINT,
  degree DOUBLE,
  ts AS TO_TIMESTAMP_LTZ(at_ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'tcp',
  'listen' = '127.0.0.1:9099',
  'format' = 'json'
);

CREATE TABLE seconds (
  sensor       STRING,
  window_start TIMESTAMP(3),
  readings     BIGINT,
  degree_min   DOUBLE,
  degree_max   DOUBLE
) WITH (
  'connector' = 'print'
);

INSERT INTO seconds
SELECT sensor, window_start, COUNT(*), MIN(degree), MAX(degree)
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '1' SECOND))
GROUP BY sensor, window_start, window_end;
