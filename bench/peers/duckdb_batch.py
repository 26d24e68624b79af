"""DuckDB's batch query for the workload `duckdb` of weir-bench, on one thread.

Makes the workload's columns by the same formulas, runs the query once to warm up and once with the clock, and prints
one line: seconds groups count sum minima maxima version. Ends with status 3 where there is no duckdb module.
"""
import os
import sys
import time

try:
    import duckdb
except ImportError:
    sys.exit(3)


def main():
    rows, keys, rows_per_window, cpu = (int(word) for word in sys.argv[1:5])
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        pass  # no such CPU: the system chooses
    base = duckdb.connect(config={"threads": 1})
    base.execute("CREATE TABLE events (k INTEGER NOT NULL, v DOUBLE NOT NULL, us BIGINT NOT NULL)")
    base.execute(
        f"INSERT INTO events SELECT CAST(((i * 2654435761 % 4294967296) * {keys}) >> 32 AS INTEGER), "
        f"CAST((i * 40503 % 65536) * 1000 >> 16 AS DOUBLE), i FROM range({rows}) AS r(i)"
    )
    query = (
        "SELECT count(*), sum(n), sum(total), sum(least), sum(greatest) FROM (SELECT "
        f"us // {rows_per_window} AS w, k, count(*) AS n, sum(v) AS total, min(v) AS least, max(v) AS greatest "
        "FROM events GROUP BY w, k)"
    )
    base.execute(query).fetchone()
    start = time.perf_counter()
    answer = base.execute(query).fetchone()
    seconds = time.perf_counter() - start
    print(seconds, *(int(value) for value in answer), duckdb.__version__)


main()
