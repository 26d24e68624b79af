#!/usr/bin/env bash
# Compares an answer of flights.sql with SQLite's over the same input, row for row. Prints "<rows> rows equal, <n> late"
# and fails where a row differs.
#   compare_flights.sh <input.csv with a header line> <answer.csv>
set -euo pipefail
input=$1 answer=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v sqlite3 >/dev/null; then
  printf 'compare_flights: skipped, there is no sqlite3\n'
  exit 77
fi
counts=$(sqlite3 -batch -bail -separator ' ' :memory: \
  'CREATE TABLE answer (origin, window_start, window_end, flights, delay_sum, delay_avg, delay_min, delay_max)' \
  '.mode csv' ".import '$input' input" ".import '$answer' answer" '.mode list' '.separator " "' ".read '$here/flights_oracle.sql'")
read -r expected given equal late <<<"$counts"
if [ "$expected" -eq 0 ] || [ "$expected" -ne "$given" ] || [ "$expected" -ne "$equal" ]; then
  printf 'the answers differ: %s rows expected, %s given, %s equal\n' "$expected" "$given" "$equal"
  exit 1
fi
printf '%s rows equal, %s late\n' "$equal" "$late"
