#!/usr/bin/env bash
# Follows a log that grows, is rotated and ends by a drain, under both backends: each line once.  tail_test.sh <weir> <work folder>
set -euo pipefail
weir=$1 work=$2
for backend in uring epoll; do
  rm -rf "$work"
  mkdir -p "$work"
  cd "$work"
  cat >job.sql <<END
CREATE TABLE log (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '$work/log', 'format' = 'csv', 'source.monitor-interval' = '5 ms');
CREATE TABLE answer (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');
INSERT INTO answer SELECT n FROM log;
END
  seq 1 100 >log
  "$weir" run job.sql --no-pin --backend $backend >out 2>errors &
  job=$!
  wait_for() { # wait_for <lines>: until so many have come
    for _ in $(seq 3000); do
      [ "$(wc -l <out)" -ge "$1" ] && return 0
      kill -0 $job 2>/dev/null || break
      read -r -t 0.01 <> <(:) || true
    done
    printf 'failed: %s lines of %s under %s\n' "$(wc -l <out)" "$1" $backend
    cat errors
    kill -9 $job 2>/dev/null || true
    exit 1
  }
  wait_for 100
  seq 101 200 >>log
  wait_for 200
  mv log log.1
  seq 201 300 >>log.1
  seq 301 400 >log
  wait_for 400
  kill -INT $job
  wait $job || { printf 'failed: the drained job ended badly under %s\n' $backend; cat errors; exit 1; }
  sort -n out | diff - <(seq 1 400) >difference || { printf 'failed: not each line once under %s\n' $backend; head difference; exit 1; }
done
printf 'each line once under uring and epoll\n'
