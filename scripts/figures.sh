#!/usr/bin/env bash
# Writes the figures of the documentation from the record (benches/record): the tables between the marker
# lines of README.md and src/guide/numbers.md, and the picture benches/record/x86_64/figures.svg.
#
#   scripts/figures.sh            brings them up to date
#   scripts/figures.sh --check    changes nothing; exit 1 when one of them and the record disagree
#
# Sizes are the newest rows of the pinned compiler. Times are those of the newest run of
# `scripts/bench.sh --record` on x86_64.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh
. scripts/record.sh
. scripts/pairs.sh

begin='<!-- figures: from the record, by scripts/figures.sh -->'
end='<!-- figures: end -->'
arch=x86_64
picture=benches/record/$arch/figures.svg

check=
case $#,${1:-} in
    0,) ;;
    1,--check) check=1 ;;
    *) say "figures.sh: unknown arguments '$*'"; exit 2 ;;
esac

# 1234567 as 1,234,567; a text that is no number stays.
grouped() {
    local text=$1
    while [[ $text =~ ^([0-9]+)([0-9]{3})(.*)$ ]]; do
        text=${BASH_REMATCH[1]},${BASH_REMATCH[2]}${BASH_REMATCH[3]}
    done
    echo "${text:--}"
}

sizes() {
    echo "Bytes, with rustc $PINNED (\`scripts/size.sh --record\`):"
    echo
    echo "| file | x86_64 | zipped | aarch64 | zipped |"
    echo "|---|---|---|---|---|"
    local binary what cells which bench
    while IFS='|' read -r binary what; do
        cells=
        for which in x86_64 aarch64; do
            for bench in size zip; do
                cells="$cells $(grouped "$(record_newest $which "$PINNED" $bench "$binary")") |"
            done
        done
        echo "| $what |$cells"
    done <<'EOF'
echo|native echo, no std, default features (`tests/functions/echo`)
bare|the same, bare: feature `bare-start` alone (`tests/functions/bare`)
bootstrap|`bootstrap`, which hosts handlers of any kind
hello|native greeting, std and serde_json (`tests/functions/hello`)
EOF
}

# The newest file of the record that has a bench.
file_with() {
    grep -l "$(printf '\t%s\t' "$1")" benches/record/$arch/*.tsv 2>/dev/null | sort | tail -n 1
}

# Of each subject beside the baseline the newest row.
times() {
    local file
    file=$(file_with next) || true
    [ -z "$file" ] || awk -f scripts/times.awk "$file"
}

# Web applications beside their rivals. Of each subject the newest row.
web() {
    local file
    file=$(file_with web) || true
    [ -z "$file" ] || awk -f scripts/web.awk "$file"
}

# The local Lambda beside its rivals. Of each subject the newest row.
local_lambda() {
    local file
    file=$(file_with local) || true
    [ -z "$file" ] || awk -f scripts/local.awk "$file"
}

# Of each pair the newest row, as the table of the README, or as the picture.
#
#   pairs table|picture
pairs() {
    local file
    file=$(file_with pair-next) || true
    [ -z "$file" ] || awk -v form="$1" -v pairs="$PAIRS" -f scripts/pairs.awk "$file"
}

# Puts a new text in the place of a file, or only compares the two.
#
#   replace FILE NEW
replace() {
    if [ -z "$check" ]; then
        cat "$2" >"$1"
    else
        diff -u "$1" "$2" >&2 ||
            { say "figures.sh: $1 and the record disagree: run scripts/figures.sh"; exit 1; }
    fi
}

# Puts standard input between the marker lines of a file.
fill() {
    local file=$1 marker
    for marker in "$begin" "$end"; do
        [ "$(grep -cxF "$marker" "$file")" = 1 ] ||
            { say "figures.sh: $file has to have the line '$marker' once"; exit 2; }
    done
    {
        awk -v end="$begin" '{ print } $0 == end { exit }' "$file"
        cat
        awk -v begin="$end" '$0 == begin { on = 1 } on' "$file"
    } >"$new"
    replace "$file" "$new"
}

new=$(mktemp)
trap 'rm -f "$new"' EXIT
pairs table | fill README.md
{ sizes && times && web && local_lambda; } | fill src/guide/numbers.md
pairs picture >"$new"
replace "$picture" "$new"
