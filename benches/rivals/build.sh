#!/usr/bin/env bash
# The others, with the echo function each, as far as they can be had on this machine.
#
#   benches/rivals/build.sh [official] [shell] [php] [node] [python]    all of them without a name
#
# A line for each: name, path of its bootstrap, what it is, separated by tabs. What cannot be had is
# a line "NAME  -  skipped: why". They go to target/rivals, and what is there already stays.
set -euo pipefail
here=$(dirname "$0")
[ $# -gt 0 ] || set -- official shell php node python
for name in "$@"; do
    [ -f "$here/$name.sh" ] || { echo "build.sh: no recipe '$name'" >&2; exit 2; }
    lines=$("$here/$name.sh" </dev/null) && code=0 || code=$?
    case $code in
        0) printf '%s\n' "$lines" ;;
        3) printf '%s\t-\t%s\n' "$name" "$(tail -n 1 <<<"$lines")" ;;
        *) echo "build.sh: $name.sh failed" >&2; exit 1 ;;
    esac
done
