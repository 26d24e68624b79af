#!/usr/bin/env bash
# Sends readings of two sensors as JSON lines over TCP, ten each second of event time. With a pace it takes its time.
#   feed.sh <host> <port> [readings of each sensor = 100] [pause between readings in seconds = 0.1; 0 sends at once]
set -euo pipefail
host=$1 port=$2 readings=${3:-100} pause=${4:-0.1}
exec 3>"/dev/tcp/$host/$port"
for ((i = 0; i < readings; i++)); do
  printf '{"sensor":"north","at_ms":%s,"degree":%s.5}\n{"sensor":"south","at_ms":%s,"degree":%s.25}\n' \
    "$((i * 100))" "$((i % 10))" "$((i * 100))" "$((20 + i % 10))" >&3
  [ "$pause" = 0 ] || sleep "$pause"
done
