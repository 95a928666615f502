#!/usr/bin/env bash
# Builds the rivals, each with an echo function except the two of web applications, as far as this machine allows.
#
#   benches/rivals/build.sh [official] [shell] [php] [node] [python] [web-adapter] [php-fpm] [official-probe]
#
# Default: all but official-probe, which is for tests.
#
# Prints a line for each: name, path of its bootstrap, versions, separated by tabs. A rival that is not
# available is a line "NAME  -  skipped: REASON". They are built in target/rivals, once.
set -euo pipefail
here=$(dirname "$0")
[ $# -gt 0 ] || set -- official shell php node python web-adapter php-fpm
for name in "$@"; do
    [ -f "$here/$name.sh" ] || { echo "build.sh: unknown rival '$name': expected official, shell, php, node, python, web-adapter, php-fpm or official-probe" >&2; exit 2; }
    lines=$("$here/$name.sh" </dev/null) && code=0 || code=$?
    case $code in
        0) printf '%s\n' "$lines" ;;
        3) printf '%s\t-\t%s\n' "$name" "$(tail -n 1 <<<"$lines")" ;;
        *) echo "build.sh: $name.sh failed with status $code" >&2; exit 1 ;;
    esac
done
