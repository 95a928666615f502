#!/usr/bin/env bash
# What the binaries weigh: bytes, zipped bytes, and where they go; compared with the budgets and with
# the record, benches/record/ARCH/DATE.tsv.
#
#   scripts/size.sh            exit 1: over a budget, or larger than the record of this compiler
#   scripts/size.sh --record   also appends to the record
#
# The record binds for the pinned compiler alone: another gives other bytes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
. "$root/scripts/record.sh"

# binary, architecture, bytes at most, zipped bytes at most (0: none), and why. The aim for the bare echo
# is 8192 (zipped 4632, aarch64 9216). 9640, the smallest rival, which is linked dynamically and has
# neither errors nor trace ids, is what it must not exceed; nor what has been reached.
budgets='
echo       x86_64   15616  10240  the start of C, and all that an environment can ask for
echo       aarch64  18944  0      the same
bare       x86_64   8576   6000   what has been reached on the way to 8192
bare       aarch64  11520  0      what has been reached on the way to 9216
bootstrap  x86_64   65536  0      a page cache readahead window or two
bootstrap  aarch64  65536  0      the same
'

[ "${1:-}" = --record ] && append=1 || append=
[ $# -le 1 ] && [ "${1:---record}" = --record ] || { say "size.sh: unknown argument '$1'"; exit 2; }

toolchain x86_64 aarch64
compiler=$(cut -d' ' -f2 <<<"$RUSTC_VERSION")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
fail() {
    failed=1
    printf 'size.sh: %s\n' "$*"
}

zipped() {
    command -v zip >/dev/null || install_packages zip || { echo 0; return; }
    rm -f "$folder/x.zip"
    cp "$1" "$folder/bootstrap"
    (cd "$folder" && zip -q -9 -X x.zip bootstrap)
    stat -c %s "$folder/x.zip"
}

printf '%-10s %-8s %8s %8s   %s\n' binary arch bytes zip 'budget, record'
for binary in echo bare bootstrap hello; do
    function=()
    [ "$binary" = bootstrap ] || function=(--function "$binary")
    "$root/scripts/build.sh" all --unstripped "${function[@]}" 2>/dev/null >"$folder/built"
    while IFS=$'\t' read -r path bytes _; do
        arch=$(sed 's|.*/lambda/\([^/]*\)/.*|\1|' <<<"$path")
        zip=$(zipped "$path")
        read -r most most_zip why <<<"$(awk -v b=$binary -v a="$arch" '$1 == b && $2 == a {
            $1 = $2 = ""; print }' <<<"$budgets")" || true
        old=$(record_newest "$arch" "$compiler" size $binary)
        printf '%-10s %-8s %8s %8s   %s, %s\n' $binary "$arch" "$bytes" "$zip" "${most:-none}" "${old:-none}"
        if [ "$compiler" = "$PINNED" ] && [ "$ROUTE" = rustup ]; then
            [ -z "$most" ] || [ "$bytes" -le "$most" ] ||
                fail "$binary for $arch has $bytes bytes, the budget is $most ($why)"
            [ "${most_zip:-0}" = 0 ] || [ "$zip" -le "$most_zip" ] ||
                fail "$binary for $arch has $zip bytes zipped, the budget is $most_zip"
            [ -z "$old" ] || [ "$bytes" -le "$old" ] ||
                fail "$binary for $arch has $bytes bytes, the record $old: shrink it, or --record and say why"
        fi
        [ -z "$append" ] || printf '%s\t%s\tbytes\t1\t%s\t%s\t-\t-\t-\n' \
            size $binary "$bytes" "$bytes" zip $binary "$zip" "$zip" |
            record_append "$arch" "$compiler"
    done <"$folder/built"
done

# What one thing more adds to the echo function with default features: the table of the README.
echo_bytes=$(stat -c %s "${CARGO_TARGET_DIR:-$root/target}/lambda/x86_64/echo/bootstrap")
printf '\n%-10s %8s %8s   x86_64, beside echo\n' feature bytes adds
for feature in fail log format stream http hooks shutdown json; do
    "$root/scripts/build.sh" x86_64 --function "features/$feature" 2>/dev/null >"$folder/built"
    bytes=$(cut -f2 "$folder/built")
    printf '%-10s %8s %8s   %s\n' $feature "$bytes" $((bytes - echo_bytes)) \
        "$(sed -n '1s|^//! ||p' "$root/tests/functions/features/src/bin/$feature.rs")"
done

# Where they go, as the twin with symbols tells. The shipped file has the same code, without them.
if command -v nm >/dev/null && command -v size >/dev/null; then
    for twin in bare/bootstrap bootstrap; do
        file=${CARGO_TARGET_DIR:-$root/target}/lambda/x86_64/$twin.unstripped
        printf '\n%s, x86_64: sections, then the largest symbols\n' "$twin"
        size -A "$file" | awk '$2 ~ /^[0-9]+$/ && $1 ~ /^\.(text|rodata|data|got|bss|init|fini)/ {
            printf "  %8d %s\n", $2, $1 }'
        nm -S --size-sort -C "$file" | grep -iv ' b ' | tail -n 20 | sort -k2r |
            while read -r _ bytes _ name; do printf '  %8d %s\n' "0x$bytes" "$name"; done
    done
fi
exit $failed
