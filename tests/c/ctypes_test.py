"""The C interface from Python, by ctypes alone: structs in, structs out; a function and an aggregate in Python; and where
pyarrow is installed, a table in and a stream of record batches out. Usage: ctypes_test.py libweir.so"""
import collections
import ctypes as c
import sys


class Options(c.Structure):
    _fields_ = [("size", c.c_size_t), ("shards", c.c_uint32), ("mode", c.c_uint32), ("idle", c.c_uint32),
                ("pin", c.c_uint32), ("cpus", c.POINTER(c.c_int32)), ("cpu_count", c.c_size_t),
                ("batch_rows", c.c_uint32), ("ring_batches", c.c_uint32), ("groups_max", c.c_uint32),
                ("slices_max", c.c_uint32), ("state_bytes_max", c.c_uint64), ("malformed_max", c.c_uint64),
                ("fail_on_drop", c.c_uint32), ("unused", c.c_uint32)]


class Field(c.Structure):
    _fields_ = [("column", c.c_char_p), ("offset", c.c_uint32), ("form", c.c_uint32), ("unit_ns", c.c_int64)]


INT64, DOUBLE = 3, 11
OK, END = 0, 4


class Tick(c.Structure):
    _fields_ = [("ms", c.c_int64), ("symbol", c.c_int64), ("price", c.c_double)]


class Bar(c.Structure):
    _fields_ = [("symbol", c.c_int64), ("count", c.c_int64), ("high", c.c_double)]


SQL = b"""
CREATE TABLE ticks (ts TIMESTAMP(3), symbol BIGINT, price DOUBLE, WATERMARK FOR ts AS ts) WITH ('connector' = 'host');
CREATE TABLE bars (symbol BIGINT, n BIGINT, high DOUBLE) WITH ('connector' = 'host');
INSERT INTO bars SELECT symbol, COUNT(*), MAX(price)
FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, symbol;
"""


def load(path):
    weir = c.CDLL(path)
    for name in ("weir_setup_new", "weir_job_new", "weir_job_writer", "weir_job_reader"):
        getattr(weir, name).restype = c.c_void_p
    weir.weir_last_error.restype = c.c_char_p
    weir.weir_version.restype = c.c_char_p
    return weir


def fields(struct, units=None):
    forms = {c.c_int64: INT64, c.c_double: DOUBLE}
    renamed = {"ms": b"ts", "count": b"n"}
    listed = [Field(renamed.get(name, name.encode()), getattr(struct, name).offset, forms[kind], (units or {}).get(name, 0))
              for name, kind in struct._fields_]
    return (Field * len(listed))(*listed), len(listed)


def expected_bars(ticks):
    bars = collections.defaultdict(lambda: (0, -1.0))
    for tick in ticks:
        count, high = bars[tick.ms // 1000, tick.symbol]
        bars[tick.ms // 1000, tick.symbol] = (count + 1, max(high, tick.price))
    return sorted((symbol, count, high) for (_, symbol), (count, high) in bars.items())


def structs_in_and_out(weir):
    def ok(status):
        assert status >= OK, weir.weir_last_error().decode()
        return status

    def handle(made):
        assert made, weir.weir_last_error().decode()
        return c.c_void_p(made)

    ticks = (Tick * 3000)(*[Tick(i, i % 4, float(i * 7919 % 1000)) for i in range(3000)])
    options = Options()
    weir.weir_options_init(c.byref(options), c.c_size_t(c.sizeof(options)))
    assert options.size == c.sizeof(options) and options.batch_rows == 1024
    setup = handle(weir.weir_setup_new(c.byref(options)))
    listed, count = fields(Tick, {"ms": 1_000_000})
    ok(weir.weir_setup_structs(setup, b"ticks", c.c_size_t(c.sizeof(Tick)), listed, c.c_size_t(count)))
    ok(weir.weir_setup_writers(setup, b"ticks", None))
    ok(weir.weir_setup_reader(setup, b"bars", 4))
    job = handle(weir.weir_job_new(setup, SQL, b"bars.sql"))
    weir.weir_setup_free(setup)
    writer = handle(weir.weir_job_writer(job, b"ticks", 0))
    reader = handle(weir.weir_job_reader(job, b"bars"))
    listed, count = fields(Bar)
    ok(weir.weir_reader_structs(reader, c.c_size_t(c.sizeof(Bar)), listed, c.c_size_t(count)))
    ok(weir.weir_job_start(job))
    taken = c.c_size_t()
    ok(weir.weir_writer_append_wait(writer, ticks, c.c_size_t(len(ticks)), c.c_int64(-1), c.byref(taken)))
    assert taken.value == len(ticks)
    ok(weir.weir_writer_end(writer))
    ok(weir.weir_job_wait(job, c.c_int64(-1)))
    bars, rows, seen = (Bar * 16)(), c.c_size_t(1), []
    while rows.value:
        ok(weir.weir_reader_read(reader, bars, c.c_size_t(len(bars)), c.byref(rows)))
        seen += [(bar.symbol, bar.count, bar.high) for bar in bars[:rows.value]]
    assert sorted(seen) == expected_bars(ticks), seen
    for free, one in (("writer", writer), ("job", job), ("reader", reader)):
        getattr(weir, f"weir_{free}_free")(one)

    setup = handle(weir.weir_setup_new(None))
    assert not weir.weir_job_new(setup, b"SELEC 1;", b"wrong.sql")
    assert b"wrong.sql:1:1" in weir.weir_last_error(), weir.weir_last_error()
    weir.weir_setup_free(setup)
    return ticks


class Text(c.Union):
    _fields_ = [("integer", c.c_int64), ("number", c.c_double), ("text", c.c_char_p)]


class Value(c.Structure):
    _fields_ = [("is_null", c.c_uint32), ("text_bytes", c.c_uint32), ("value", Text)]


EVALUATE = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.POINTER(Value), c.POINTER(Value))
INITIALIZE = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)
LIFT = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.POINTER(Value))
COMBINE = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p)
DESTROY = c.CFUNCTYPE(None, c.c_void_p)
ROWS_MAX = 256


class Column(c.Structure):
    _fields_ = [("values", c.POINTER(c.c_double)), ("is_null", c.POINTER(c.c_uint8)), ("unused", c.c_void_p)]


class States(c.Structure):
    _fields_ = [("first", c.c_void_p), ("stride", c.c_size_t), ("of_row", c.POINTER(c.c_uint32)), ("unused", c.c_void_p)]


EVALUATE_ROWS = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t, c.POINTER(Column), c.POINTER(Column))
LIFT_ROWS = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t, c.POINTER(States), c.POINTER(Column))


class Function(c.Structure):
    _fields_ = [("size", c.c_size_t), ("name", c.c_char_p), ("parameters", c.c_char_p), ("meaning", c.c_char_p),
                ("result", c.c_uint32), ("unused", c.c_uint32), ("evaluate", EVALUATE), ("user", c.c_void_p),
                ("destroy", DESTROY), ("evaluate_rows", EVALUATE_ROWS)]


class Aggregate(c.Structure):
    _fields_ = [("size", c.c_size_t), ("name", c.c_char_p), ("parameters", c.c_char_p), ("meaning", c.c_char_p),
                ("result", c.c_uint32), ("takes_nulls", c.c_uint32), ("state_bytes", c.c_size_t),
                ("initialize", INITIALIZE), ("lift", LIFT), ("combine", COMBINE), ("lower", LIFT), ("retract", LIFT),
                ("subtract", COMBINE), ("user", c.c_void_p), ("destroy", DESTROY),
                ("lift_rows", LIFT_ROWS), ("retract_rows", LIFT_ROWS)]


class Range(c.Structure):
    """Least and greatest value: the state of RANGE_OF."""
    _fields_ = [("least", c.c_double), ("greatest", c.c_double)]


def at(address):
    return Range.from_address(address)


def functions_in_python(weir, ticks, by_rows):
    """RANGE_OF(x), an aggregate, and TIMES(x, y), a function, both of this script; by rows: many rows a call."""
    destroyed, calls = [], collections.Counter()

    def initialize(_user, state):
        at(state).least, at(state).greatest = float("inf"), float("-inf")

    def lift(_user, _call, state, arguments):
        x, kept = arguments[0].value.number, at(state)
        calls["lift"] += 1
        kept.least, kept.greatest = min(kept.least, x), max(kept.greatest, x)
        return 0

    def lift_rows(_user, _call, rows, states, arguments):
        groups = collections.defaultdict(list)
        calls["lift_rows"] += 1
        for x, group in zip(arguments[0].values[:rows], states[0].of_row[:rows]):
            groups[group].append(x)
        for group, prices in groups.items():
            kept = at(states[0].first + group * states[0].stride)
            kept.least, kept.greatest = min(kept.least, *prices), max(kept.greatest, *prices)
        return 0

    def combine(_user, _call, state, other):
        kept, more = at(state), at(other)
        kept.least, kept.greatest = min(kept.least, more.least), max(kept.greatest, more.greatest)
        return 0

    def lower(_user, _call, state, result):
        result[0].is_null = 0
        result[0].value.number = at(state).greatest - at(state).least
        return 0

    def times(_user, call, arguments, result):
        calls["evaluate"] += 1
        if arguments[0].value.number < 0:
            return weir.weir_call_fail(c.c_void_p(call), b"TIMES of a negative price")
        result[0].is_null = 0
        result[0].value.number = arguments[0].value.number * arguments[1].value.number
        return 0

    def times_rows(_user, call, rows, arguments, results):
        calls["evaluate_rows"] += 1
        prices, factors = arguments[0].values[:rows], arguments[1].values[:rows]
        if not 1 <= rows <= ROWS_MAX or arguments[0].is_null:
            return weir.weir_call_fail(c.c_void_p(call), b"wrong rows")
        if min(prices) < 0:
            return weir.weir_call_fail(c.c_void_p(call), b"TIMES of a negative price")
        for row, (price, factor) in enumerate(zip(prices, factors)):
            results[0].values[row] = price * factor
        return 0

    aggregate, function = Aggregate(), Function()
    weir.weir_aggregate_init(c.byref(aggregate), c.c_size_t(c.sizeof(aggregate)))
    weir.weir_function_init(c.byref(function), c.c_size_t(c.sizeof(function)))
    aggregate.name, aggregate.parameters, aggregate.result = b"range_of", b"d", ord("d")
    aggregate.state_bytes, aggregate.initialize = c.sizeof(Range), INITIALIZE(initialize)
    aggregate.combine, aggregate.lower = COMBINE(combine), LIFT(lower)
    aggregate.destroy = DESTROY(lambda _user: destroyed.append("range_of"))
    function.name, function.parameters, function.result = b"times", b"dd", ord("d")
    function.destroy = DESTROY(lambda _user: destroyed.append("times"))
    if by_rows:
        aggregate.lift_rows, function.evaluate_rows = LIFT_ROWS(lift_rows), EVALUATE_ROWS(times_rows)
    else:
        aggregate.lift, function.evaluate = LIFT(lift), EVALUATE(times)

    def run(price):
        setup = c.c_void_p(weir.weir_setup_new(None))
        assert weir.weir_setup_aggregate(setup, c.byref(aggregate)) == OK, weir.weir_last_error()
        assert weir.weir_setup_function(setup, c.byref(function)) == OK, weir.weir_last_error()
        listed, count = fields(Tick, {"ms": 1_000_000})
        assert weir.weir_setup_structs(setup, b"ticks", c.c_size_t(c.sizeof(Tick)), listed, c.c_size_t(count)) == OK
        assert weir.weir_setup_writers(setup, b"ticks", None) == OK
        assert weir.weir_setup_reader(setup, b"bars", 4) == OK
        made = weir.weir_job_new(setup, SQL.replace(b"MAX(price)", b"RANGE_OF(" + price + b")"), None)
        assert made, weir.weir_last_error().decode()
        job = c.c_void_p(made)
        weir.weir_setup_free(setup)
        writer = c.c_void_p(weir.weir_job_writer(job, b"ticks", 0))
        reader = c.c_void_p(weir.weir_job_reader(job, b"bars"))
        listed, count = fields(Bar)
        assert weir.weir_reader_structs(reader, c.c_size_t(c.sizeof(Bar)), listed, c.c_size_t(count)) == OK
        assert weir.weir_job_start(job) == OK
        weir.weir_writer_append_wait(writer, ticks, c.c_size_t(len(ticks)), c.c_int64(-1), None)
        weir.weir_writer_free(writer)
        status = weir.weir_job_wait(job, c.c_int64(-1))
        text, seen, bars, rows = weir.weir_last_error(), [], (Bar * 16)(), c.c_size_t(status == OK)
        while rows.value:
            assert weir.weir_reader_read(reader, bars, c.c_size_t(len(bars)), c.byref(rows)) == OK
            seen += [(bar.symbol, bar.count, bar.high) for bar in bars[:rows.value]]
        weir.weir_reader_free(reader)
        weir.weir_job_free(job)
        return status, text, sorted(seen)

    groups = collections.defaultdict(list)
    for tick in ticks:  # a function that is asked for some rows only, with a constant
        groups[tick.ms // 1000, tick.symbol].append(2 * tick.price if tick.symbol < 2 else tick.price)
    expected = sorted((symbol, len(prices), max(prices) - min(prices)) for (_, symbol), prices in groups.items())
    status, text, seen = run(b"CASE WHEN symbol < 2 THEN TIMES(price, 2) ELSE price END")
    assert (status, seen) == (OK, expected), (status, text, seen)
    assert sorted(destroyed) == ["range_of", "times"], destroyed
    if by_rows:
        assert calls["evaluate"] == calls["lift"] == 0, calls
        assert 0 < calls["evaluate_rows"] < len(ticks) / 8 and 0 < calls["lift_rows"] < len(ticks) / 8, calls
    else:
        assert calls == {"evaluate": len(ticks) // 2, "lift": len(ticks)}, calls
    status, text, _ = run(b"TIMES(price - 900, 2)")
    assert status == -5007 and b"TIMES: TIMES of a negative price" in text, (status, text)
    assert len(destroyed) == 4, destroyed


def pyarrow_in_and_out(weir, pa, ticks):
    table = pa.table({
        "ts": pa.array([tick.ms for tick in ticks], pa.timestamp("ms")),
        "symbol": pa.array([tick.symbol for tick in ticks], pa.int64()),
        "price": pa.array([tick.price for tick in ticks], pa.float64()),
    })
    stream = (c.c_char * 64)()  # ArrowArrayStream: 5 pointers
    pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=700))._export_to_c(c.addressof(stream))
    setup = c.c_void_p(weir.weir_setup_new(None))
    assert weir.weir_setup_arrow(setup, b"ticks", stream) == OK
    assert weir.weir_setup_reader(setup, b"bars", 4) == OK
    made = weir.weir_job_new(setup, SQL, None)
    assert made, weir.weir_last_error().decode()
    job = c.c_void_p(made)
    weir.weir_setup_free(setup)
    reader = c.c_void_p(weir.weir_job_reader(job, b"bars"))
    results = (c.c_char * 64)()
    assert weir.weir_reader_stream(reader, results) == OK
    weir.weir_reader_free(reader)
    assert weir.weir_job_start(job) == OK
    bars = pa.RecordBatchReader._import_from_c(c.addressof(results)).read_all()
    assert bars.column_names == ["row_kind", "symbol", "n", "high"], bars.column_names
    seen = sorted(zip(*(bars.column(name).to_pylist() for name in ("symbol", "n", "high"))))
    assert seen == expected_bars(ticks), seen
    assert weir.weir_job_wait(job, c.c_int64(-1)) == OK, weir.weir_last_error()
    weir.weir_job_free(job)


def main():
    weir = load(sys.argv[1])
    ticks = structs_in_and_out(weir)
    functions_in_python(weir, ticks, False)
    functions_in_python(weir, ticks, True)
    try:
        import pyarrow as pa
    except ImportError:
        print("ctypes_test: all good; pyarrow is not installed, so its part was skipped")
        return
    pyarrow_in_and_out(weir, pa, ticks)
    print("ctypes_test: all good, pyarrow", pa.__version__, "included")


if __name__ == "__main__":
    main()
