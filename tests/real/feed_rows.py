# Reads market-data bytes in the plainest way and prints rows as csv: the other opinion that Weir's feed formats are
# held against. Written from the specifications, not from Weir's tables.
#   feed_rows.py itch FILE | itch-pcap FILE… | deep FILE
import struct
import sys


def number(data, at, size):
    return int.from_bytes(data[at : at + size], "big")


def text(data, at, size):
    return data[at : at + size].decode("ascii").rstrip(" \0")


ITCH_SIZES = dict(
    S=12, R=39, H=25, Y=20, L=26, V=35, W=12, K=28, J=35, h=21, A=36, F=40, E=31, C=36, X=23, D=19, U=35, P=44, Q=40,
    B=19, I=50, N=20, O=48)


def itch_row(m):
    """type, nanoseconds, order, new order, side, shares, stock, price in 1/10000, match"""
    kind = chr(m[0])
    assert len(m) == ITCH_SIZES[kind], (kind, len(m))
    order = new = side = shares = stock = price = match = ""
    if kind in "AFP":
        order, side, shares, stock, price = number(m, 11, 8), text(m, 19, 1), number(m, 20, 4), text(m, 24, 8), number(m, 32, 4)
        if kind == "P":
            match = number(m, 36, 8)
    elif kind in "EC":
        order, shares, match = number(m, 11, 8), number(m, 19, 4), number(m, 23, 8)
        if kind == "C":
            price = number(m, 32, 4)
    elif kind == "X":
        order, shares = number(m, 11, 8), number(m, 19, 4)
    elif kind == "D":
        order = number(m, 11, 8)
    elif kind == "U":
        order, new, shares, price = number(m, 11, 8), number(m, 19, 8), number(m, 27, 4), number(m, 31, 4)
    elif kind == "Q":
        shares, stock, price, match = number(m, 11, 8), text(m, 19, 8), number(m, 27, 4), number(m, 31, 8)
    elif kind == "B":
        match = number(m, 11, 8)
    elif kind in "RHYKJhNO":
        stock = text(m, 11, 8)
        if kind == "K":
            price = number(m, 24, 4)
    elif kind == "L":
        stock = text(m, 15, 8)
    elif kind == "I":
        stock = text(m, 28, 8)
    return [kind, number(m, 5, 6), order, new, side, shares, stock, price, match]


def itch_file(data):
    at = 0
    while at < len(data):
        size = number(data, at, 2) or ITCH_SIZES[chr(data[at + 2])]
        yield data[at + 2 : at + 2 + size]
        at += 2 + size


def datagrams(data):
    """Captured nanoseconds and payload of the UDP datagrams over IPv4 of a little-endian capture."""
    fraction = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    at = 24
    while at < len(data):
        seconds, part, captured, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + captured]
        at += 16 + captured
        kind, ip = number(frame, 12, 2), 14
        while kind == 0x8100:
            kind, ip = number(frame, ip + 2, 2), ip + 4
        if kind != 0x0800 or frame[ip + 9] != 17:
            continue
        udp = ip + (frame[ip] & 15) * 4
        yield seconds * 10**9 + part * fraction, frame[udp + 8 : udp + number(frame, udp + 4, 2)]


def main():
    out = sys.stdout.write
    if sys.argv[1] == "itch":
        out("type,nanos,order_ref,new_order_ref,side,shares,stock,price,match_number\n")
        for message in itch_file(open(sys.argv[2], "rb").read()):
            out(",".join(map(str, itch_row(message))) + "\n")
    elif sys.argv[1] == "itch-pcap":
        out("type,nanos,order_ref,new_order_ref,side,shares,stock,price,match_number,captured,session,sequence\n")
        for path in sys.argv[2:]:
            for captured, packet in datagrams(open(path, "rb").read()):
                at, first = 20, number(packet, 10, 8)
                count = number(packet, 18, 2)
                for i in range(0 if count == 0xFFFF else count):
                    size = number(packet, at, 2)
                    row = itch_row(packet[at + 2 : at + 2 + size]) + [captured, text(packet, 0, 10), first + i]
                    out(",".join(map(str, row)) + "\n")
                    at += 2 + size
    else:
        out("type,nanos,symbol,size,price,captured,sequence,flags\n")
        for captured, packet in datagrams(open(sys.argv[2], "rb").read()):
            count, first, at = struct.unpack_from("<H", packet, 14)[0], struct.unpack_from("<Q", packet, 24)[0], 40
            for i in range(count):
                size = struct.unpack_from("<H", packet, at)[0]
                m = packet[at + 2 : at + 2 + size]
                kind, symbol, shares, price = chr(m[0]), "", "", ""
                if kind != "S":
                    symbol = text(m, 10, 8)
                if kind in "85TB":
                    shares, price = struct.unpack_from("<Iq", m, 18)
                row = [kind, struct.unpack_from("<q", m, 2)[0], symbol, shares, price, captured, first + i, m[1]]
                out(",".join(map(str, row)) + "\n")
                at += 2 + size


main()
