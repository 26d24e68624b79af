CREATE TABLE feed (
  message_type STRING, symbol STRING, size BIGINT, price DECIMAL(18, 6), trade_id BIGINT, `timestamp` TIMESTAMP_LTZ(9),
  capture_time BIGINT, send_time BIGINT
) WITH ('connector' = 'filesystem', 'path' = '$WORK/deep.pcap.gz', 'format' = 'iex-deep', 'iex-deep.messages' = 'T');

CREATE TABLE answer (capture_time BIGINT, send_time BIGINT, symbol STRING, size BIGINT, price DECIMAL(18, 6), trade_id BIGINT)
WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');

INSERT INTO answer
SELECT capture_time, send_time, symbol, size, price, trade_id FROM feed
WHERE symbol IN ('AAPL', 'MSFT', 'TSLA', 'GOOGL', 'AMZN');
