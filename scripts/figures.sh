#!/usr/bin/env bash
# Writes the figures of README.md, between its two marker lines, from the record (benches/record).
#
#   scripts/figures.sh            brings README.md up to date
#   scripts/figures.sh --check    changes nothing; exit 1 when README.md and the record disagree
#
# Sizes are the newest rows of the pinned compiler. Times are those of the newest run of
# `scripts/bench.sh --record` on x86_64, with the picture that it left.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh
. scripts/record.sh

begin='<!-- figures: from the record, by scripts/figures.sh -->'
end='<!-- figures: end -->'
arch=x86_64

# 1234567 as 1,234,567; what is no number stays.
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
bare|the same, bare: default features off (`tests/functions/bare`)
bootstrap|`bootstrap`, which hosts handlers of any kind
hello|native greeting, std and serde_json (`tests/functions/hello`)
EOF
}

# The newest file that has a comparison, and of each subject in it the newest row.
times() {
    local file
    file=$(grep -l $'\tnext\t' benches/record/$arch/*.tsv 2>/dev/null | sort | tail -n 1) || true
    [ -n "$file" ] || return 0
    awk -F'\t' '
        function grouped(text,  head) {
            sub(/\.[0-9]+$/, "", text)
            head = ""
            while (text ~ /^[0-9][0-9][0-9][0-9]/) {
                head = "," substr(text, length(text) - 2) head
                text = substr(text, 1, length(text) - 3)
            }
            return text head
        }
        function us(text) { return text + 0 < 100 ? text : grouped(text) }
        function beside(key) {
            if (!(key in ratio) || ratio[key] == "-") return "-"
            return sprintf("%.2f (%.2f to %.2f)", ratio[key], low[key], high[key])
        }
        # A later run begins anew.
        $5 == "next" && ($6 in seen) { delete seen; count = 0 }
        $5 == "next" && !count { runs = $8; machine = $4 ", Linux " $3 ", commit " $1 }
        $5 == "next" { seen[$6]; order[++count] = $6 }
        { key = $5 SUBSEP $6; median[key] = $9; ratio[key] = $11; low[key] = $12; high[key] = $13 }
        END {
            print "\nEach in turn with the floor on one core (`scripts/bench.sh --record`; medians of up to " runs
            print "starts, and of up to 10,000 events; beside the floor: the median of the ratios of pairs, and"
            print "its interval of 95 %; " machine "):\n"
            print "| | start to `GET /next`, us | beside the floor | a warm event, us | beside the floor | events/s | resident, KiB | deployed, bytes |"
            print "|---|---|---|---|---|---|---|---|"
            for (i = 1; i <= count; i++) {
                s = order[i]
                printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", s, us(median["next", s]),
                    beside("next" SUBSEP s), us(median["event", s]), beside("event" SUBSEP s),
                    grouped(median["rate", s]), grouped(median["resident", s]), grouped(median["deployed", s])
            }
        }' "$file"
    [ ! -f "benches/record/$arch/figures.svg" ] ||
        printf '\n![Cold starts of each, and what they weigh](benches/record/%s/figures.svg)\n' $arch
}

for marker in "$begin" "$end"; do
    [ "$(grep -cxF "$marker" README.md)" = 1 ] ||
        { say "figures.sh: README.md has to have the line '$marker' once"; exit 2; }
done
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
    awk -v end="$begin" '{ print } $0 == end { exit }' README.md
    sizes
    times
    awk -v begin="$end" '$0 == begin { on = 1 } on' README.md
} >"$new"
if [ "${1:-}" = --check ]; then
    diff -u README.md "$new" >&2 ||
        { say "figures.sh: README.md and the record disagree: run scripts/figures.sh"; exit 1; }
elif [ $# -gt 0 ]; then
    say "figures.sh: unknown argument '$1'"
    exit 2
else
    cat "$new" >README.md
fi
