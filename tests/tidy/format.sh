#!/usr/bin/env bash
# Every C++ file stands as clang-format leaves it. Other versions of clang-format than the one that the tree is written
# with lay some lines out differently, so with them nothing is checked (exit code 77: skipped).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
wanted=14
tool=$(command -v "clang-format-$wanted" || command -v clang-format || true)
if [ -z "$tool" ]; then
  printf 'format: skipped, there is no clang-format\n'
  exit 77
fi
version=$("$tool" --version | sed -E 's/.*version ([0-9]+).*/\1/')
if [ "$version" != "$wanted" ]; then
  printf 'format: skipped, clang-format is %s and the tree is written with %s\n' "$version" "$wanted"
  exit 77
fi
if git rev-parse --git-dir >/dev/null 2>&1; then
  list=(git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc')
else
  list=(find core simd io pipeline bench tests tools \( -name '*.h' -o -name '*.cc' \) -print0)
fi
"${list[@]}" | xargs -0 -r "$tool" --dry-run --Werror --style=file
printf 'format: all files stand as clang-format %s leaves them\n' "$version"
