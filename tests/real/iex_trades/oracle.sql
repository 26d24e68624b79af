-- The parser that wrote these rows kept the capture time, of microseconds, in a double.
SELECT (PacketCaptureTime + 500) / 1000 * 1000, SendTime, Symbol, Size, Price, TradeID FROM input;
