#!/usr/bin/env bash
# Rules of the repository that no compiler checks. Prints every breach as path:line: rule and fails if there is one.
#   tests/tidy/lint.sh [folder]      the folder is the repository's top; tests give made-up ones
set -euo pipefail
export LC_ALL=C
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

breach() { printf '%s: %s\n' "$1" "$2"; }
# Reads "path:line:text" lines as grep -n prints them.
breach_lines() {
  local path line rest
  while IFS=: read -r path line rest; do breach "$path:$line" "$1"; done
}

list_files() {
  if git rev-parse --show-toplevel >/dev/null 2>&1 && [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ]; then
    git ls-files -z --cached --others --exclude-standard
  else
    find . -type f -not -path './.git/*' -not -path './build/*' -printf '%P\0'
  fi
}
files=()
while IFS= read -r -d '' file; do [ -f "$file" ] && files+=("$file"); done < <(list_files)
matching() { # matching <extended regex>: the files whose path matches, each ended by NUL
  local file
  for file in "${files[@]}"; do [[ $file =~ $1 ]] && printf '%s\0' "$file"; done
  return 0
}
# search <path regex> <grep arguments…>: never fails for want of a match
search() {
  local paths=$1
  shift
  matching "$paths" | xargs -0 -r grep -nHI "$@" -- /dev/null || true
}

text='\.(h|cc|def|md|sql|sh|cmake|in|txt|json|ts|js|svelte|css|py|yml)$|(^|/)(demo|check|run)$'
code='\.(h|cc|def)$'
# The rules spell out what they forbid.
own='^tests/tidy/'
strip_own() { grep -v "$own" || true; }

check_length() {
  local file lines
  while IFS= read -r -d '' file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 1000 ] || breach "$file:$lines" "longer than 1,000 lines"
  done < <(matching '\.(h|cc|def|sh|cmake|ts|js|svelte|py|sql)$')
}

check_marks() {
  search "$text" -E '\b(FIXME|XXX|HACK)\b' | strip_own | breach_lines "unfinished: FIXME, XXX or HACK"
  search "$text" -P '\bTODO(?!\([a-z]+\):)' | strip_own | breach_lines "a TODO is written TODO(type):"
}

check_headers() {
  local file first
  search '/include/.*\.h$' -E '#include <(regex|iostream|ranges|thread|hwy/|liburing|fmt/|simdjson|re2/|date/)|#include "(hwy/|liburing|fmt/)' |
    breach_lines "a public header includes what costs much or is private"
  while IFS= read -r -d '' file; do
    [[ $file == *-inl.h ]] && continue # included once a SIMD target
    grep -q '^#pragma once$' "$file" || breach "$file:1" "no #pragma once"
  done < <(matching '\.h$')
  while IFS= read -r -d '' file; do
    IFS= read -r first <"$file" || true
    [[ $first =~ ^//\ .{8,} ]] || breach "$file:1" "does not open with a comment that says why it exists"
  done < <(matching "$code")
}

check_rooms() {
  local file
  for file in "${files[@]}"; do
    [[ /$file =~ /(utils?|helpers?|common|misc)/ ]] && breach "$file:1" "a folder says nothing by the name ${BASH_REMATCH[1]}"
  done
  search '^core/.*\.(h|cc)$' -E '#include "weir/(simd|io|pipeline)/|#include "weir/weir\.h' | breach_lines "core leans on nothing of ours"
  search '^simd/.*\.(h|cc)$' -E '#include "weir/(core|io|pipeline)/|#include "weir/weir\.h' | breach_lines "simd leans on nothing of ours"
  search '^io/.*\.(h|cc)$' -E '#include "weir/pipeline/|#include "weir/weir\.h' | breach_lines "io must not include pipeline"
  search '^(io|pipeline)/include/.*\.h$' -E '#include "weir/simd/' | breach_lines "simd is private: not in a public header"
  local module
  for module in core simd io pipeline bench tests tools; do
    [ ! -d "$module" ] || [ -f "$module/README.md" ] || breach "$module:1" "the module has no README.md"
  done
}

check_readmes() {
  local file line target
  while IFS= read -r -d '' file; do
    while IFS=: read -r line target; do
      target=${target#*](} target=${target%)*} target=${target%%#*} target=${target%% *}
      [ -z "$target" ] || [ -e "$(dirname "$file")/$target" ] || breach "$file:$line" "link to $target, which is not there"
    done < <(grep -noE '\]\([^):]+\)' "$file" || true)
    # A path in backticks that begins in one of the rooms; wildcards and placeholders name no file.
    while IFS=: read -r line target; do
      target=${target//\`/} target=${target%% *}
      [ -e "$target" ] || breach "$file:$line" "names $target, which is not there"
    done < <(grep -noE '`(core|simd|io|pipeline|bench|tests|tools|\.ci)/[A-Za-z0-9_./-]+( [^`<]*)?`' "$file" || true)
  done < <(matching '\.md$')
}

check_places() {
  search "$text" -E '(^|[^A-Za-z0-9_.~)}-])/(work|farm|home|root|tmp)/' | strip_own | breach_lines "an absolute path of one machine"
  search "$text" -E '(registry\.npmjs|npmjs\.(org|com)|pypi\.(org|python)|pythonhosted|(deb|security|snapshot)\.debian\.org|repo1?\.maven|maven\.apache\.org|proxy\.golang|crates\.io|docker\.io|ghcr\.io)' |
    strip_own | breach_lines "the name of a package registry's host"
  local file
  for file in "${files[@]}"; do
    [ "$(stat -c %s "$file")" -le 2097152 ] || breach "$file:1" "larger than 2 MiB"
  done
}

check_all() {
  check_length
  check_marks
  check_headers
  check_rooms
  check_readmes
  check_places
}
report=$(check_all)
if [ -n "$report" ]; then
  printf '%s\n%s breaches in %s files\n' "$report" "$(printf '%s\n' "$report" | wc -l)" "${#files[@]}"
  exit 1
fi
printf 'lint: %s files keep the rules\n' "${#files[@]}"
