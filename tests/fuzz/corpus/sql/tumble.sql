CREATE TABLE t (a BIGINT, b STRING, ts TIMESTAMP(3), c AS a + 1, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem');
CREATE TABLE s (x STRING, y BIGINT) WITH ('connector' = 'print');
INSERT INTO s SELECT b, SUM(a) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, b HAVING COUNT(*) > 1;
