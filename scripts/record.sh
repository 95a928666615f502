# The record of figures, benches/record/ARCH/DATE.tsv; sourced by the scripts that append to it.
#
# A file has one line of names and then a row a figure, with tabs between the columns:
#
#   commit     of the tree; with a + when there were changes that are not in it
#   compiler   version of rustc
#   kernel     version, and cpu its model, of the machine that ran it; "-" where nothing ran
#   bench      size and zip, of scripts/size.sh; a program of benches; or, of `tinderbox measure`, next,
#              response, event, rate, cpu, resident, private, faults, calls-start, calls-event,
#              deployed, deployed-zip (scripts/rows.jq)
#   subject    what was measured
#   unit, n    of the figure, and of how many
#   median     p99: what 99 % are not worse than
#   ratio      to the baseline, in turn with it; of pair-* to the other of the pair, and the interval of 95 % from low to high; or "-"
#
# The newest row of a bench and subject is the last one of the last file.

RECORD_COLUMNS="commit compiler kernel cpu bench subject unit n median p99 ratio low high"

# Appends rows, without the first four columns, from standard input to today's file of an architecture.
#
#   record_append ARCH COMPILER [ran]    ran: on this machine
record_append() {
    local file=$root/benches/record/$1/$(date -u +%F).tsv kernel=- cpu=- commit
    commit=$(git -C "$root" rev-parse --short=10 HEAD 2>/dev/null) || commit=-
    # Not the record itself, which changes as rows are appended.
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

# The newest median of a bench and subject under a compiler; nothing where there is none.
#
#   record_newest ARCH COMPILER BENCH SUBJECT
record_newest() {
    find "$root/benches/record/$1" -name '*.tsv' -print0 2>/dev/null | sort -z | xargs -0 -r cat |
        awk -F'\t' -v c="$2" -v b="$3" -v s="$4" \
            '$2 == c && $5 == b && $6 == s { median = $9 } END { print median }'
}
