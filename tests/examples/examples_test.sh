#!/usr/bin/env bash
# Runs what the README shows and asks for the right answer.  examples_test.sh <case> <weir> <work folder> [arguments of weir…]
set -euo pipefail
case=$1 weir=$2 work=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$here/../..
cd "$top"
rm -rf "$work"
mkdir -p "$work"

fail() {
  printf 'failed: %s\n' "$*"
  exit 1
}
# The value of a number in the summary that weir gave as JSON.
summary() { grep -o "\"event\":\"summary\".*" "$work/log" | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d: -f2; }

# compare <input.csv>: the answer in $work/answer.csv against SQLite, and the count of late rows against the oracle's.
compare() {
  local said code=0 late
  said=$("$here/compare_flights.sh" "$1" "$work/answer.csv") || code=$?
  printf '%s\n' "$said"
  [ "$code" -eq 0 ] || exit "$code"
  late=$(summary late)
  [ "${said#*, }" = "$late late" ] || fail "weir counted $late late rows"
  grep -q '"ledger_closed":true' "$work/log" || fail "the ledger is open"
}

case $case in
flights)
  zstd -dcq tests/data/flights_2001_01.csv.zst >"$work/input.csv"
  "$weir" run tests/examples/flights.sql --json "$@" >"$work/answer.csv" 2>"$work/log" || fail "$(cat "$work/log")"
  compare "$work/input.csv"
  ;;
flights_by_departure)
  zstd -dcq tests/data/flights_2001_01.csv.zst | "$here/by_departure.sh" >"$work/input.csv"
  sed "s|build/demo/flights_by_departure.csv|$work/input.csv|" tests/examples/flights_by_departure.sql >"$work/job.sql"
  "$weir" run "$work/job.sql" --json "$@" >"$work/answer.csv" 2>"$work/log" || fail "$(cat "$work/log")"
  compare "$work/input.csv"
  [ "$(summary late)" -gt 0 ] || fail "no row was late: the input is in order"
  ;;
live)
  # A free port, one connection, then the end. Weir says where it listens; nothing here waits for a time.
  sed "s|127.0.0.1:9099|127.0.0.1:0|; s|'format' = 'json'|'format' = 'json', 'connections-until-end' = '1'|" \
    tests/examples/live.sql >"$work/job.sql"
  mkfifo "$work/log"
  "$weir" run "$work/job.sql" "$@" >"$work/answer" 2>"$work/log" &
  pid=$!
  exec 4<"$work/log"
  address=
  while IFS= read -r line <&4; do
    [[ $line == listening:* ]] && address=${line##* } && break
  done
  [ -n "$address" ] || fail "weir did not say where it listens"
  "$here/feed.sh" "${address%:*}" "${address##*:}" 100 0
  cat <&4 >"$work/rest"
  wait "$pid" || fail "$(cat "$work/rest")"
  # Ten seconds of two sensors; sorted, since sensors of one second have no order.
  for ((s = 0; s < 10; s++)); do
    printf '+I[north, 1970-01-01T00:00:%02d, 10, 0.5, 9.5]\n+I[south, 1970-01-01T00:00:%02d, 10, 20.25, 29.25]\n' "$s" "$s"
  done | sort >"$work/expected"
  sort "$work/answer" | diff "$work/expected" - || fail "other readings than sent"
  ;;
*)
  fail "there is no case $case"
  ;;
esac
