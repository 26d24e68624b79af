#!/usr/bin/env bash
# Runs one case of tests/real and compares Weir's answer with SQLite's.  real_test.sh <case> <weir> <work folder>
set -euo pipefail
case=$1 weir=$2 WORK=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DATA=${WEIR_DATA:-$here/../../../shared/data}
export DATA WORK here
if ! command -v sqlite3 >/dev/null || ! command -v python3 >/dev/null; then
  printf 'skipped: there is no sqlite3 or no python3\n'
  exit 77
fi
if [ ! -d "$DATA" ]; then
  printf 'skipped: the recorded streams are not in %s (WEIR_DATA names another folder)\n' "$DATA"
  exit 77
fi
rm -rf "$WORK"
mkdir -p "$WORK"
(cd "$WORK" && bash "$here/$case/prepare")
sed "s|\$WORK|$WORK|g" "$here/$case/job.sql" >"$WORK/job.sql"

imports=() skip=
for file in "$WORK"/input/*.csv; do
  imports+=(".import $skip '$file' input")
  skip='--skip 1'
done
sqlite3 -batch -bail :memory: '.mode csv' "${imports[@]}" '.mode list' '.separator ,' ".read '$here/$case/oracle.sql'" | sort >"$WORK/oracle"
grep -v '^late,' "$WORK/oracle" >"$WORK/expected" || true
late=$(sed -n 's/^late,//p' "$WORK/oracle")
[ -s "$WORK/expected" ] || { printf 'failed: the oracle has no answer\n'; exit 1; }

for layout in "--shards 1" "--shards 2 --batch-rows 64 --keyed-plan local" "--shards 3 --batch-rows 7 --ring-batches 2 --keyed-plan shuffle" \
  "--backend epoll --simd scalar" "--backend sim --seed 5 --shards 2"; do
  # shellcheck disable=SC2086
  "$weir" run "$WORK/job.sql" --json --no-pin $layout >"$WORK/answer" 2>"$WORK/log" || {
    printf 'failed: weir run %s\n' "$layout"
    cat "$WORK/log"
    exit 1
  }
  sort "$WORK/answer" >"$WORK/given"
  diff "$WORK/expected" "$WORK/given" >"$WORK/difference" || {
    printf 'failed: the answers differ under %s (< SQLite, > Weir)\n' "$layout"
    head -n 20 "$WORK/difference"
    exit 1
  }
  counted=$(grep -o '"event":"summary".*' "$WORK/log" | grep -o '"late":[0-9]*' | head -n 1 | cut -d: -f2)
  [ "$counted" = "${late:-0}" ] || { printf 'failed: %s rows counted late under %s, %s are\n' "$counted" "$layout" "${late:-0}"; exit 1; }
  grep -q '"ledger_closed":true' "$WORK/log" || { printf 'failed: the ledger is open under %s\n' "$layout"; exit 1; }
done
printf '%s rows equal under 5 layouts, %s late\n' "$(wc -l <"$WORK/expected")" "${late:-0}"
