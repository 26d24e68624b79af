CREATE TABLE judged AS
  SELECT *, event_ms / 100 AS tenth,
         coalesce(event_ms / 100 * 100 + 99 <= max(CAST(event_ms AS INTEGER)) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - 10, 0) AS late
  FROM input;
SELECT strftime('%Y-%m-%d %H:%M:', tenth / 10, 'unixepoch') || printf('%02d', tenth / 10 % 60) || iif(tenth % 10, '.' || (tenth % 10), ''), kind, count(*),
       coalesce(printf('%.2f', min(CAST(nullif(price, '') AS REAL))), ''),
       coalesce(printf('%.2f', max(CAST(nullif(price, '') AS REAL))), ''),
       coalesce(printf('%.3f', sum(CAST(round(nullif(quantity, '') * 1000) AS INTEGER)) / 1000.0), '')
FROM judged WHERE NOT late GROUP BY tenth, kind HAVING kind = 'trade';
SELECT strftime('%Y-%m-%d %H:%M:', tenth / 10, 'unixepoch') || printf('%02d', tenth / 10 % 60) || iif(tenth % 10, '.' || (tenth % 10), ''), kind, count(*), '', '', ''
FROM judged WHERE NOT late GROUP BY tenth, kind HAVING kind <> 'trade';
SELECT 'late', sum(late) FROM judged;
