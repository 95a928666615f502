# The record of figures, benches/record/ARCH/DATE.tsv; sourced by the scripts that append to it.
#
# A file has one line of column names and then one row per figure, separated by tabs:
#
#   commit     of the tree; a + after it: the tree had uncommitted changes
#   compiler   version of rustc
#   kernel     version, and cpu its model, of the machine that ran it; "-" where nothing ran
#   bench      size and zip, of scripts/size.sh; a program of benches; or, of `tinderbox measure`, next,
#              response, event, rate, cpu, resident, private, faults, calls-start, calls-event,
#              deployed, deployed-zip, beside the baseline, and the same with pair- before it, beside
#              the rival of scripts/pairs.sh (scripts/rows.jq)
#   subject    what was measured
#   unit, n    of the figure, and the number of measurements
#   median     p99: 99 % of the measurements are not worse
#   ratio      to the baseline or rival: median of the ratios of pairs, and its 95 % interval from low to
#              high; or "-"
#
# The newest row of a bench and subject is the last one of the last file.

RECORD_COLUMNS="commit compiler kernel cpu bench subject unit n median p99 ratio low high"

# Appends rows from standard input, which lack the first four columns, to today's file of an architecture.
#
#   record_append ARCH COMPILER [ran]    ran: the figures are of this machine
record_append() {
    local file=$root/benches/record/$1/$(date -u +%F).tsv kernel=- cpu=- commit
    commit=$(git -C "$root" rev-parse --short=10 HEAD 2>/dev/null) || commit=-
    # Without the record itself, which changes as rows are appended.
    [ -z "$(git -C "$root" status --porcelain -- . ':!benches/record' 2>/dev/null)" ] ||
        commit=$commit+
    if [ "${3:-}" = ran ]; then
        kernel=$(uname -r)
        cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr -s ' ')
    fi
    mkdir -p "$(dirname "$file")"
    [ -s "$file" ] || tr ' ' '\t' <<<"$RECORD_COLUMNS" >"$file"
    awk -v first="$commit"$'\t'"$2"$'\t'"$kernel"$'\t'"${cpu:--}" '{ print first "\t" $0 }' >>"$file"
}

# Prints the newest median of a bench and subject for a compiler, or nothing.
#
#   record_newest ARCH COMPILER BENCH SUBJECT
record_newest() {
    find "$root/benches/record/$1" -name '*.tsv' -print0 2>/dev/null | sort -z | xargs -0 -r cat |
        awk -F'\t' -v c="$2" -v b="$3" -v s="$4" \
            '$2 == c && $5 == b && $6 == s { median = $9 } END { print median }'
}
