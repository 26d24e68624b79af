SELECT strftime('%Y-%m-%d %H:%M:%S', '2010-12-24', '+' || (nanos / 600000000000 * 600) || ' seconds'), type,
       iif(stock = '', '-', stock), count(*), count(nullif(order_ref, '')) + count(nullif(new_order_ref, '')),
       ifnull(sum(nullif(shares, '') + 0), 'NULL'), iif(max(price) = '', 'NULL', printf('%.4f', min(nullif(price, '') + 0) / 10000.0)),
       iif(max(price) = '', 'NULL', printf('%.4f', max(nullif(price, '') + 0) / 10000.0)), count(nullif(match_number, ''))
FROM input GROUP BY 1, 2, 3;
