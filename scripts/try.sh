#!/usr/bin/env bash
# Builds the static bootstrap, a native function and the tool, starts a local Lambda for a program and for
# the function, and sends each an event. Needs rustup's stable toolchain; installs everything else.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh

say "Building (half a minute the first time) ..."
bootstrap=$(scripts/build.sh)
echo=$(scripts/build.sh --function echo)
tool=$(scripts/build.sh --tool | cut -f1)

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat >"$place/shout" <<'EOF'
#!/bin/sh
echo "shouting" >&2
tr a-z A-Z
EOF
chmod +x "$place/shout"

# Sends one event; prints the answer, and the time from exec to the first request for an event.
call() {
    local answer
    answer=$("$tool" run "$@" --once '{"say":"hello"}' 2>"$place/log") ||
        { cat "$place/log" >&2; exit 1; }
    printf '  answer          %s\n' "$answer"
    printf '  init duration   %s\n' "$(sed -n 's/.*Init Duration: //p' "$place/log")"
}
size() { printf '  size            %s bytes, static\n' "$(cut -f2 <<<"$1")"; }

echo
echo "A native function (tests/functions/echo): the file is runtime and function in one."
size "$echo"
call "$(cut -f1 <<<"$echo")"
echo
echo "A program (a shell script of two lines) behind the file bootstrap, _HANDLER=shout."
size "$bootstrap"
call "$(cut -f1 <<<"$bootstrap")" --task-root "$place" --handler shout
cat <<EOF

What next:
  $tool run ${bootstrap%%$'\t'*} --task-root DIR --handler HANDLER
      serves a program of DIR, or a function in shell, PHP, Node, Python or Ruby
      (src/guide/shell_and_programs.md), on http://127.0.0.1:9000; then, in another terminal:
  $tool invoke --event '{"say":"hello"}'
      src/guide/rust.md has a Rust function from cargo new to a zip
EOF
