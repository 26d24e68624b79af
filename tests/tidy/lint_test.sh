#!/usr/bin/env bash
# Breaks every rule of lint.sh once in a made-up repository and asks that the breach is named; then mends all of them and
# asks that nothing is.
set -euo pipefail
lint=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lint.sh
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT

failures=0
make_clean() {
  rm -rf "${top:?}"/*
  mkdir -p "$top"/core/include/weir/core "$top"/simd "$top"/io "$top"/pipeline "$top"/bench "$top"/tests "$top"/tools
  local module
  for module in core simd io pipeline bench tests tools; do printf '# %s\n' "$module" >"$top/$module/README.md"; done
  printf '// Why this header exists.\n#pragma once\n' >"$top/core/include/weir/core/a.h"
  printf '// Why this file exists.\n#include "weir/core/a.h"\n' >"$top/core/a.cc"
}
expect_breach() { # expect_breach <what lint says> <file> <text of the file>
  make_clean
  mkdir -p "$(dirname "$top/$2")"
  printf '%b' "$3" >"$top/$2"
  if said=$("$lint" "$top"); then
    printf 'not found: %s\n' "$1"
    failures=$((failures + 1))
  elif ! grep -qF "$1" <<<"$said"; then
    printf 'expected: %s\nlint said: %s\n' "$1" "$said"
    failures=$((failures + 1))
  fi
}

head='// Why this file exists.\n'
expect_breach 'longer than 1,000 lines' core/b.cc "$head$(printf '\\n%.0s' $(seq 1001))"
expect_breach 'unfinished' core/b.cc "$head// FIXME now\n"
expect_breach 'unfinished' tools/x.sh "$head// XXX\n"
expect_breach 'TODO(type):' core/b.cc "$head// TODO later\n"
expect_breach 'a public header includes' core/include/weir/core/b.h "$head#pragma once\n#include <regex>\n"
expect_breach 'a public header includes' core/include/weir/core/b.h "$head#pragma once\n#include <hwy/highway.h>\n"
expect_breach 'a public header includes' core/include/weir/core/b.h "$head#pragma once\n#include <liburing.h>\n"
expect_breach 'no #pragma once' core/b.h "$head"
expect_breach 'does not open with a comment' core/b.cc 'int x;\n'
expect_breach 'does not open with a comment' core/b.cc '//\nint x;\n'
expect_breach 'a folder says nothing' core/utils/b.cc "$head"
expect_breach 'core leans on nothing' core/b.cc "$head#include \"weir/io/a.h\"\n"
expect_breach 'simd leans on nothing' simd/b.cc "$head#include \"weir/core/a.h\"\n"
expect_breach 'io must not include pipeline' io/b.cc "$head#include \"weir/pipeline/a.h\"\n"
expect_breach 'simd is private' io/include/weir/io/b.h "$head#pragma once\n#include \"weir/simd/a.h\"\n"
expect_breach 'link to nothing.md' core/README.md '# core\n[a](nothing.md)\n'
expect_breach 'names tools/nothing' core/README.md '# core\nRun `tools/nothing --now`.\n'
expect_breach 'an absolute path' core/b.cc "$head// as in /home/me/x\n"
expect_breach 'an absolute path' core/b.sh 'cat /tmp/x\n'
expect_breach "a package registry's host" tools/x.sh 'curl https://registry.npmjs.org/x\n'
make_clean
head -c 2097153 /dev/zero >"$top/core/big.bin"
"$lint" "$top" >"$top/said" && { printf 'not found: a large file\n'; failures=$((failures + 1)); }
rm "$top/core/README.md" "$top/core/big.bin" "$top/said"
"$lint" "$top" >/dev/null && { printf 'not found: a module without README\n'; failures=$((failures + 1)); }

make_clean
printf '// TODO(speed): measure it.\n[a](README.md) `core/a.cc` `core/<name>.cc`\n' >>"$top/core/README.md"
if ! said=$("$lint" "$top"); then
  printf 'a clean repository fails: %s\n' "$said"
  failures=$((failures + 1))
fi
[ "$failures" -eq 0 ] && printf 'lint_test: every rule finds its breach\n'
exit "$failures"
