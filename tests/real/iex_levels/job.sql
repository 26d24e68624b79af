CREATE TABLE feed (
  message_type STRING, symbol STRING, size BIGINT, price DECIMAL(18, 4), flags INT, `timestamp` TIMESTAMP_LTZ(9),
  sequence BIGINT, WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '$WORK/deep.pcap', 'format' = 'iex-deep');

CREATE TABLE answer (
  window_start TIMESTAMP(3), message_type STRING, messages BIGINT, size BIGINT, low DECIMAL(18, 4), high DECIMAL(18, 4),
  last_sequence BIGINT
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv', 'csv.null-literal' = 'NULL');

INSERT INTO answer
SELECT window_start, message_type, COUNT(*), SUM(size), MIN(price), MAX(price), MAX(sequence)
FROM TABLE(TUMBLE(TABLE feed, DESCRIPTOR(`timestamp`), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, message_type;
