#!/usr/bin/env bash
# The sizes of the binaries: bytes, zipped bytes, .bss, sections and symbols; compared with the budgets
# and with the record, benches/record/ARCH/DATE.tsv.
#
#   scripts/size.sh            exit 1: over a budget, or larger than the record of this compiler
#   scripts/size.sh --record   also appends to the record
#   scripts/size.sh --table    prints what one feature adds to the echo function, for src/guide/numbers.md,
#                              and nothing else
#
# The record applies to the pinned compiler alone: another gives other bytes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
. "$root/scripts/record.sh"

# binary, architecture, bytes at most, zipped bytes at most (0: none), and why. Aims that are not reached
# yet: 4632 bytes for the zip of the bare echo, which is what the zip of the smallest rival has (linked
# dynamically, without errors or trace ids), and 9216 bytes for the bare echo on aarch64.
budgets='
echo       x86_64   15360  10272  default features: C start-up, concurrency, SnapStart, shutdown
echo       aarch64  17920  0      the same; the texts and the table of malformed replies take 500 bytes
bare       x86_64   8192   5760   smaller than any known rival, static or dynamic
bare       aarch64  10240  0      reached on the way to 9216
bootstrap  x86_64   221184 110592 the zip is what is deployed; a third of it is the shims
bootstrap  aarch64  221184 114688 the same
'

append= table=
[ $# -le 1 ] || { say "size.sh: unexpected argument '$2'"; exit 2; }
case "${1:-}" in
    '') ;;
    --record) append=1 ;;
    --table) table=1 ;;
    *) say "size.sh: unknown argument '$1'"; exit 2 ;;
esac

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

# Bytes of .bss: the size of the segments in memory beyond their size in the file (elf(5)). They cost
# nothing until they are written.
bss() {
    local file=$1 count sum=0 at
    number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
    at=$(number "$file" 32 8)
    count=$(number "$file" 56 2)
    for ((; count > 0; count--, at += 56)); do
        [ "$(number "$file" "$at" 4)" != 1 ] || # PT_LOAD
            sum=$((sum + $(number "$file" $((at + 40)) 8) - $(number "$file" $((at + 32)) 8)))
    done
    echo "$sum"
}

# Builds a function for x86_64 and sets $bytes.
measure_bytes() {
    "$root/scripts/build.sh" x86_64 --function "$1" 2>/dev/null >"$folder/built"
    bytes=$(cut -f2 "$folder/built")
}
grouped() { sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta' <<<"$1"; }

# What each feature adds to the echo function with default features: a table of src/guide/numbers.md.
features_table() {
    local echo_bytes feature
    measure_bytes echo
    echo_bytes=$bytes
    printf '| a function for x86_64 | bytes | difference |\n|---|---|---|\n'
    printf '| echo, default features | %s | |\n' "$(grouped "$echo_bytes")"
    measure_bytes bare
    printf '| echo, bare: feature `bare-start` alone | %s | |\n' "$(grouped "$bytes")"
    for feature in fail log format stream http hooks shutdown json; do
        measure_bytes "features/$feature"
        printf '| %s | %s | %s |\n' \
            "$(sed -n '1s|^//! \(.*\)\.$|\1|p' "$root/tests/functions/features/src/bin/$feature.rs")" \
            "$(grouped "$bytes")" "$(grouped $((bytes - echo_bytes)))"
    done
}
if [ -n "$table" ]; then
    features_table
    exit 0
fi

printf '%-10s %-8s %8s %8s %10s   %s\n' binary arch bytes zip .bss 'budget, record'
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
        printf '%-10s %-8s %8s %8s %10s   %s, %s\n' $binary "$arch" "$bytes" "$zip" "$(bss "$path")" \
            "${most:-none}" "${old:-none}"
        if [ "$compiler" = "$PINNED" ] && [ "$ROUTE" = rustup ]; then
            [ -z "$most" ] || [ "$bytes" -le "$most" ] ||
                fail "$binary for $arch has $bytes bytes, the budget is $most ($why)"
            [ "${most_zip:-0}" = 0 ] || [ "$zip" -le "$most_zip" ] ||
                fail "$binary for $arch has $zip bytes zipped, the budget is $most_zip"
            [ -z "$old" ] || [ "$bytes" -le "$old" ] ||
                fail "$binary for $arch has $bytes bytes, the record has $old: shrink it, or run size.sh" \
                    "--record and give the reason in the commit"
        fi
        [ -z "$append" ] || printf '%s\t%s\tbytes\t1\t%s\t%s\t-\t-\t-\n' \
            size $binary "$bytes" "$bytes" zip $binary "$zip" "$zip" |
            record_append "$arch" "$compiler"
    done <"$folder/built"
done

echo
features_table

# Sections and symbols, from the unstripped file, which has the same code as the one that ships.
if command -v nm >/dev/null && command -v size >/dev/null; then
    for binary in bare/bootstrap bootstrap; do
        file=${CARGO_TARGET_DIR:-$root/target}/lambda/x86_64/$binary.unstripped
        printf '\n%s, x86_64: sections, then the largest symbols\n' "$binary"
        size -A "$file" | awk '$2 ~ /^[0-9]+$/ && $1 ~ /^\.(text|rodata|data|got|bss|init|fini)/ {
            printf "  %8d %s\n", $2, $1 }'
        nm -S --size-sort -C "$file" | grep -iv ' b ' | tail -n 20 | sort -k2r |
            while read -r _ bytes _ name; do printf '  %8d %s\n' "0x$bytes" "$name"; done
    done
fi
exit $failed
