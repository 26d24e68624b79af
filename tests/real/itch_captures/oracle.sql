SELECT type,
       strftime('%H:%M:%S', nanos / 1000000000, 'unixepoch') || printf('.%09d', nanos % 1000000000),
       ifnull(nullif(order_ref, ''), 'NULL'), ifnull(nullif(new_order_ref, ''), 'NULL'), ifnull(nullif(side, ''), 'NULL'),
       ifnull(nullif(shares, ''), 'NULL'), ifnull(nullif(stock, ''), 'NULL'),
       iif(price = '', 'NULL', printf('%d.%04d', price / 10000, price % 10000)), ifnull(nullif(match_number, ''), 'NULL'),
       strftime('%Y-%m-%d %H:%M:%S', captured / 1000000000, 'unixepoch') ||
         rtrim(rtrim(printf('.%09d', captured % 1000000000), '0'), '.') || 'Z',
       session, sequence
FROM input;
