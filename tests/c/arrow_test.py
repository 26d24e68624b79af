"""Columns of every type through Weir and back, by Arrow's C data interface: out of pyarrow and polars, into pyarrow,
polars and DuckDB; what of them is not installed is left out, and without pyarrow the test is skipped (77).
Usage: arrow_test.py libweir.so"""
import ctypes as c
import datetime
import decimal
import importlib
import sys

from ctypes_test import OK, load

ROWS = 5000
COLUMNS = {  # the column's type in SQL and pyarrow, and row i
    "b": ("BOOLEAN", "bool_", lambda i: None if i % 7 == 0 else i % 3 == 0),
    "i8": ("TINYINT", "int8", lambda i: None if i % 5 == 0 else i % 100 - 50),
    "i16": ("SMALLINT", "int16", lambda i: i),
    "i32": ("INT", "int32", lambda i: None if i % 11 == 0 else -i),
    "i64": ("BIGINT", "int64", lambda i: i << 33),
    "f": ("FLOAT", "float32", lambda i: None if i % 3 == 0 else i / 2),
    "d": ("DOUBLE", "float64", lambda i: i / 4),
    "s": ("STRING", "string", lambda i: None if i % 13 == 0 else "ü" * (i % 40) + str(i)),
    "wide": ("DECIMAL(20, 3)", "decimal", lambda i: None if i % 9 == 0 else decimal.Decimal(i * 1000 + 7).scaleb(-3)),
    "day": ("DATE", "date32", lambda i: None if i % 4 == 0 else datetime.date(1969, 9, 1) + datetime.timedelta(days=i)),
    "moment": ("TIMESTAMP(6)", "timestamp", lambda i: datetime.datetime(1969, 12, 31) + datetime.timedelta(minutes=i)),
}
FILTERS = {"": lambda i: True, "WHERE d >= 5 AND MOD(i16, 3) = 1": lambda i: i >= 20 and i % 3 == 1}


class Stream:
    """An ArrowArrayStream of a reader, as Python's own interface between libraries has it."""

    def __init__(self, struct):
        self.struct = struct

    def __arrow_c_stream__(self, requested_schema=None):
        make = c.pythonapi.PyCapsule_New
        make.restype, make.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
        return make(c.addressof(self.struct), b"arrow_array_stream", None)


def table_of(pa):
    types = {"decimal": pa.decimal128(20, 3), "timestamp": pa.timestamp("us")}
    return pa.table({name: pa.array([row(i) for i in range(ROWS)], types[kind] if kind in types else getattr(pa, kind)())
                     for name, (_, kind, row) in COLUMNS.items()})


def run(weir, stream, where, take):
    """Weir between a stream and what takes its result."""
    setup = c.c_void_p(weir.weir_setup_new(None))
    assert weir.weir_setup_arrow(setup, b"t", stream) == OK
    assert weir.weir_setup_reader(setup, b"o", 4) == OK
    columns = ", ".join(f"{name} {sql}" for name, (sql, _, _) in COLUMNS.items())
    made = weir.weir_job_new(setup, f"CREATE TABLE t ({columns}) WITH ('connector' = 'host');\n"
                             f"CREATE TABLE o ({columns}) WITH ('connector' = 'host');\n"
                             f"INSERT INTO o SELECT {', '.join(COLUMNS)} FROM t {where};".encode(), None)
    assert made, weir.weir_last_error().decode()
    job = c.c_void_p(made)
    weir.weir_setup_free(setup)
    reader = c.c_void_p(weir.weir_job_reader(job, b"o"))
    results = (c.c_char * 64)()  # ArrowArrayStream: 5 pointers
    assert weir.weir_reader_stream(reader, results) == OK
    weir.weir_reader_free(reader)
    assert weir.weir_job_start(job) == OK
    taken = take(results)
    assert weir.weir_job_wait(job, c.c_int64(-1)) == OK, weir.weir_last_error()
    weir.weir_job_free(job)
    return taken


def installed(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def into_pyarrow(pa):
    def take(results):
        table = pa.RecordBatchReader._import_from_c(c.addressof(results)).read_all()
        table.validate(full=True)
        return {name: table.column(name).to_pylist() for name in COLUMNS}
    return take


def into_polars(polars):
    def take(results):
        frame = polars.DataFrame(Stream(results))
        return {name: frame[name].to_list() for name in COLUMNS}
    return take


def into_duckdb(duckdb):
    def take(results):
        stream = Stream(results)  # found by its name in SQL
        rows = duckdb.sql(f"SELECT {', '.join(COLUMNS)} FROM stream").fetchall()
        assert stream is not None
        return {name: [row[k] for row in rows] for k, name in enumerate(COLUMNS)}
    return take


def main():
    weir = load(sys.argv[1])
    pa, polars, duckdb = (installed(name) for name in ("pyarrow", "polars", "duckdb"))
    if pa is None:
        print("arrow_test: skipped, pyarrow is not installed")
        sys.exit(77)
    table = table_of(pa)

    def of_pyarrow(struct):
        batches = table.to_batches(max_chunksize=700)
        pa.RecordBatchReader.from_batches(table.schema, batches)._export_to_c(c.addressof(struct))

    def of_polars(struct):
        capsule = polars.DataFrame(table).__arrow_c_stream__()
        find = c.pythonapi.PyCapsule_GetPointer
        find.restype, find.argtypes = c.c_void_p, [c.py_object, c.c_char_p]
        address = find(capsule, b"arrow_array_stream")
        c.memmove(struct, address, 5 * c.sizeof(c.c_void_p))
        c.memset(address + 3 * c.sizeof(c.c_void_p), 0, c.sizeof(c.c_void_p))  # moved: release is ours

    makers = [of_pyarrow] + [of_polars] * (polars is not None)
    takers = {"pyarrow": into_pyarrow(pa)}
    if polars is not None:
        takers["polars"] = into_polars(polars)
    if duckdb is not None:
        takers["duckdb"] = into_duckdb(duckdb)
    for where, kept in FILTERS.items():
        expected = {name: [row(i) for i in range(ROWS) if kept(i)] for name, (_, _, row) in COLUMNS.items()}
        for make in makers:
            for name, take in takers.items():
                struct = (c.c_char * 64)()
                make(struct)
                seen = run(weir, struct, where, take)
                for column in COLUMNS:
                    assert seen[column] == expected[column], (make.__name__, name, column, where)
    print("arrow_test: all good, with", ", ".join(takers))


main()
