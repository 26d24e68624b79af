CREATE TABLE feed (
  message_type STRING, `timestamp` TIMESTAMP(9), order_ref BIGINT, new_order_ref BIGINT, side STRING, shares BIGINT,
  stock STRING, price DECIMAL(18, 4), match_number BIGINT, WATERMARK FOR `timestamp` AS `timestamp`
) WITH ('connector' = 'filesystem', 'path' = '$WORK/day.itch', 'format' = 'itch', 'itch.date' = '2010-12-24',
        'itch.lengths-by-type' = 'true');

CREATE TABLE answer (
  window_start TIMESTAMP(3), message_type STRING, stock STRING, messages BIGINT, orders BIGINT, shares BIGINT,
  low DECIMAL(18, 4), high DECIMAL(18, 4), matches BIGINT
) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv', 'csv.null-literal' = 'NULL');

INSERT INTO answer
SELECT window_start, message_type, COALESCE(stock, '-'), COUNT(*), COUNT(order_ref) + COUNT(new_order_ref), SUM(shares),
       MIN(price), MAX(price), COUNT(match_number)
FROM TABLE(TUMBLE(TABLE feed, DESCRIPTOR(`timestamp`), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, message_type, COALESCE(stock, '-');
