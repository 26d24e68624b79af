#!/usr/bin/env bash
# Binary batches kept in a file instead of sent: the file begins with the hello that a reader wants, and one of another
# table is refused by the name of the column that differs.
#   batches_test.sh <weir> <work folder>
set -euo pipefail
weir=$1 work=$2
rm -rf "$work"
mkdir -p "$work"
cd "$work"
seq 1 5000 | awk '{ printf "%d,name %d\n", $1, $1 * 7919 % 1000 }' >in.csv
table() { printf "CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s');\n" "$@"; }
columns='id BIGINT, name STRING'
{ table source "$columns" "$work/in.csv" csv; table kept "$columns" "$work/kept" batches
  echo 'INSERT INTO kept SELECT id, name FROM source;'; } >record.sql
{ table kept "$columns" "$work/kept" batches; table answer "$columns" - csv
  echo 'INSERT INTO answer SELECT id, name FROM kept;'; } >replay.sql
sed 's/id BIGINT, name STRING/id INT, name STRING/' replay.sql >other.sql

for batch in 1024 7; do
  rm -rf kept
  "$weir" run record.sql --no-pin --batch-rows "$batch" 2>log || { cat log; exit 1; }
  "$weir" run replay.sql --no-pin >out 2>log || { cat log; exit 1; }
  sort -n out | tr -d '"' | cmp - in.csv
done
if "$weir" run other.sql --no-pin >out 2>log; then
  printf 'a file of another table was read\n'
  exit 1
fi
grep -q 'id' log || { cat log; exit 1; }
