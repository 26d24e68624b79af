-- The answer of flights.sql and flights_by_departure.sql by another way: SQLite over the whole input at once. A flight is
-- late when its hour had closed by the watermark of the flights before it: the greatest schedule so far minus 5 minutes.
-- Expects the tables input (as the csv has it, in its order) and answer (as Weir gave it).
CREATE TABLE judged AS
  SELECT ts_s - ts_s % 3600 AS hour, CAST(delay_min AS INTEGER) AS delay, CAST(distance AS INTEGER) AS distance, origin,
         coalesce(ts_s - ts_s % 3600 + 3600 <= max(ts_s) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - 300, 0) AS late
  FROM (SELECT rowid AS number, CAST(ts_s AS INTEGER) AS ts_s, delay_min, distance, origin FROM input);
CREATE TABLE expected AS
  SELECT origin, hour, hour + 3600 AS hour_end, count(*) AS flights, sum(delay) AS delay_sum, avg(delay) AS delay_avg,
         min(delay) AS delay_min, max(delay) AS delay_max
  FROM judged WHERE distance >= 200 AND NOT late GROUP BY origin, hour;
CREATE TABLE given AS
  SELECT origin, unixepoch(window_start) AS hour, unixepoch(window_end) AS hour_end, CAST(flights AS INTEGER) AS flights,
         CAST(delay_sum AS INTEGER) AS delay_sum, CAST(delay_avg AS REAL) AS delay_avg,
         CAST(delay_min AS INTEGER) AS delay_min, CAST(delay_max AS INTEGER) AS delay_max
  FROM answer;
CREATE UNIQUE INDEX one_row_an_hour ON given (origin, hour);
-- One line: rows expected, rows given, rows equal in every column (averages to one part in 10^12), late flights.
SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM given),
       (SELECT count(*) FROM expected JOIN given USING (origin, hour, hour_end, flights, delay_sum, delay_min, delay_max)
        WHERE abs(expected.delay_avg - given.delay_avg) <= 1e-12 * max(1, abs(expected.delay_avg))),
       (SELECT count(*) FROM judged WHERE late AND distance >= 200);
