CREATE TABLE accesses (
  ts_s BIGINT, host STRING, status INT, bytes BIGINT,
  ts AS TO_TIMESTAMP_LTZ(ts_s, 0), WATERMARK FOR ts AS ts - INTERVAL '60' SECOND
) WITH ('connector' = 'filesystem', 'path' = '$WORK/input', 'format' = 'csv', 'weir.csv.header' = 'true',
        'csv.null-literal' = '');

CREATE TABLE answer (
  window_start TIMESTAMP(3), status INT, accesses BIGINT, with_bytes BIGINT, bytes BIGINT, first_host STRING
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT window_start, status, COUNT(*), COUNT(bytes), SUM(bytes), MIN(host)
FROM TABLE(TUMBLE(TABLE accesses, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, status;
