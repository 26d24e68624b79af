#!/usr/bin/env bash
# Every public header compiles on its own, without warnings, and in C++20. Prints the cost of the umbrella header.
#   public_headers.sh <compiler> <repository>
set -euo pipefail
compiler=$1
cd "$2"
includes=()
for module in core simd io pipeline; do includes+=(-I "$module/include"); done
flags=(-std=c++20 -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Werror -Wno-pragma-once-outside-header "${includes[@]}" -x c++)
compile() { "$compiler" "${flags[@]}" "$1"; }

failed=0 count=0
while IFS= read -r -d '' header; do
  count=$((count + 1))
  # As a user has it: an include line, so that the header is not the main file.
  if ! printf '#include "%s"\n' "${header#*/include/}" | compile -; then
    printf 'does not compile alone: %s\n' "$header"
    failed=1
  fi
done < <(find core/include simd/include io/include pipeline/include -name '*.h' -print0 | sort -z)
[ "$count" -gt 0 ] || { printf 'found no public header\n'; exit 1; }

best=
for _ in 1 2 3; do
  start=$(date +%s%N)
  printf '#include "weir/weir.h"\n' | compile -
  spent=$((($(date +%s%N) - start) / 1000000))
  [ -n "$best" ] && [ "$best" -le "$spent" ] || best=$spent
done
printf '%s public headers; weir/weir.h compiles in %s ms (best of 3; aim: below 800)\n' "$count" "$best"
exit "$failed"
