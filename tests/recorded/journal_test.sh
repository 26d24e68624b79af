#!/usr/bin/env bash
# Records rows into journals and reads them again, under several layouts: what comes out is what went in.
#   journal_test.sh <weir> <work folder>
set -euo pipefail
weir=$1 work=$2
rm -rf "$work"
mkdir -p "$work"
cd "$work"

awk 'BEGIN {
  for (i = 0; i < 20000; i++) {
    name = i % 7 == 0 ? "" : sprintf("name %d%s", i, i % 3 == 0 ? " that is longer than twelve" : "")
    printf "%d,%s,%s,%d.%02d,2024-01-01 00:%02d:%02d.%03d\n", i, name, i % 5 == 0 ? "true" : "false", i % 1000, i % 100,
           i / 1000 / 60, i / 1000 % 60, i % 1000
  }
}' >in.csv

columns='id BIGINT, name STRING, flag BOOLEAN, price DECIMAL(10, 2), ts TIMESTAMP(3)'
cat >record.sql <<END
CREATE TABLE source ($columns) WITH ('connector' = 'filesystem', 'path' = '$work/in.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE journal ($columns)
WITH ('connector' = 'filesystem', 'path' = '$work/JOURNAL', 'format' = 'journal', 'journal.time-column' = 'ts');
INSERT INTO journal SELECT id, name, flag, price, ts FROM source;
END
cat >replay.sql <<END
CREATE TABLE journal ($columns) WITH ('connector' = 'filesystem', 'path' = '$work/JOURNAL', 'format' = 'journal');
CREATE TABLE answer ($columns) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv', 'csv.null-literal' = '');
INSERT INTO answer SELECT id, name, flag, price, ts FROM journal;
END
run() { # run <job> <options…>
  "$weir" run "$@" --no-pin 2>log || { printf 'failed: weir run %s\n' "$*"; cat log; exit 1; }
}
normal() { sed -E 's/"//g; s/(\.[0-9]*[1-9])0+$/\1/; s/\.0+$//' "$1" | sort; }
normal in.csv >expected

layouts=("--shards 1" "--shards 3 --batch-rows 7" "--backend epoll --batch-rows 1000" "--simd scalar --batch-rows 64")
for recorded in "${layouts[@]}"; do
  rm -rf journal
  sed 's|JOURNAL|journal|' record.sql >job.sql
  # shellcheck disable=SC2086
  run job.sql $recorded >/dev/null
  for replayed in "${layouts[@]}" "--backend sim --seed 3"; do
    sed 's|JOURNAL|journal|' replay.sql >job.sql
    # shellcheck disable=SC2086
    run job.sql $replayed >out
    normal out >given
    diff expected given >difference || {
      printf 'failed: recorded with %s, replayed with %s\n' "$recorded" "$replayed"
      head -n 10 difference
      exit 1
    }
  done
done

# The end torn off: the whole frames come out, and the rest is told.
part=$(find journal -name '*.journal')
size=$(stat -c %s "$part")
head -c $((size - 5000)) "$part" >torn.journal
sed "s|JOURNAL|torn.journal|; s|'format' = 'journal')|'format' = 'journal', 'journal.ignore-parse-errors' = 'true')|" replay.sql >job.sql
run job.sql --json >out
normal out >given
[ -z "$(comm -13 expected given)" ] || { printf 'failed: a torn journal gave rows that were never written\n'; exit 1; }
[ "$(wc -l <given)" -gt 10000 ] || { printf 'failed: a torn journal gave few rows\n'; exit 1; }
grep -q '"malformed":1' log || { printf 'failed: the torn end is not counted\n'; cat log; exit 1; }
printf '%s rows recorded and replayed under %s layouts\n' "$(wc -l <expected)" "${#layouts[@]}"
