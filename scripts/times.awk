# The table of all binaries beside the baseline, from a file of the record: scripts/figures.sh.
BEGIN { FS = "\t" }

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

# A later run starts with empty tables.
$5 == "next" && ($6 in seen) { delete seen; count = 0 }
$5 == "next" && !count { runs = $8; machine = $4 ", Linux " $3 ", commit " $1 }
$5 == "next" { seen[$6]; order[++count] = $6 }
{ key = $5 SUBSEP $6; median[key] = $9; ratio[key] = $11; low[key] = $12; high[key] = $13 }

END {
    print "\nEach took turns with the baseline on one core (`scripts/bench.sh --record`): medians of up to " runs
    print "starts and 10,000 events. A ratio is to the baseline: the median of the ratios of pairs, with its"
    print "95 % interval. " machine ":\n"
    print "| | start to `GET /next`, us | ratio | warm event, us | ratio | events/s | resident, KiB | deployed, bytes |"
    print "|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; i++) {
        s = order[i]
        printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", s, us(median["next", s]),
            beside("next" SUBSEP s), us(median["event", s]), beside("event" SUBSEP s),
            grouped(median["rate", s]), grouped(median["resident", s]), grouped(median["deployed", s])
    }
}
