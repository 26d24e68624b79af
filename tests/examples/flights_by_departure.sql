-- The same question about the same flights, but in the order in which they left: the schedule, which is the event time,
-- is out of order by real delays, and rows that come after their hour has closed are late: dropped and counted.
-- tools/demo makes the file and runs it, from the repository's top:
--   weir run tests/examples/flights_by_departure.sql
CREATE TABLE flights (
  ts_s        BIGINT,   -- scheduled departure, seconds since 1970
  delay_min   INT,      -- minutes; negative is early
  distance    INT,      -- miles
  origin      STRING,
  destination STRING,
  ts AS TO_TIMESTAMP_LTZ(ts_s, 0),
  WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = 'build/demo/flights_by_departure.csv',
  'format' = 'csv',
  'weir.csv.header' = 'true'
);

CREATE TABLE hourly (
  origin       STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  flights      BIGINT,
  delay_sum    BIGINT,
  delay_avg    DOUBLE,
  delay_min    INT,
  delay_max    INT
) WITH (
  'connector' = 'filesystem',
  'path' = '-',
  'format' = 'csv'
);

INSERT INTO hourly
SELECT origin, window_start, window_end,
       COUNT(*), SUM(delay_min), AVG(CAST(delay_min AS DOUBLE)), MIN(delay_min), MAX(delay_min)
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(ts), INTERVAL '1' HOUR))
WHERE distance >= 200
GROUP BY origin, window_start, window_end;
