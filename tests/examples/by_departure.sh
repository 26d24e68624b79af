#!/usr/bin/env bash
# Sorts flights (csv with a header line, standard input) by actual departure, flights of one minute in their old order.
set -euo pipefail
IFS= read -r header
printf '%s\n' "$header"
awk -F, '{ print $1 + 60 * $2 "," $0 }' | LC_ALL=C sort -s -t, -k1,1n | cut -d, -f2-
