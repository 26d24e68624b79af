CREATE TABLE feed (
  message_type STRING, `timestamp` TIME(9), order_ref BIGINT, new_order_ref BIGINT, side STRING, shares BIGINT,
  stock STRING, price DECIMAL(18, 4), match_number BIGINT, capture_time TIMESTAMP_LTZ(9), session STRING, sequence BIGINT
) WITH ('connector' = 'filesystem', 'path' = '$WORK/captures', 'format' = 'itch', 'itch.framing' = 'pcap',
        'itch.sequence' = 'ignore');

CREATE TABLE answer (
  message_type STRING, nanos STRING, order_ref BIGINT, new_order_ref BIGINT, side STRING, shares BIGINT, stock STRING,
  price DECIMAL(18, 4), match_number BIGINT, capture_time TIMESTAMP_LTZ(9), session STRING, sequence BIGINT
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv', 'csv.null-literal' = 'NULL');

INSERT INTO answer
SELECT message_type, CAST(`timestamp` AS STRING), order_ref, new_order_ref, side, shares, stock, price, match_number,
       capture_time, session, sequence
FROM feed;
