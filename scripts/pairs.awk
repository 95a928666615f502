# Ours beside the rivals, from a file of the record: scripts/figures.sh.
#
#   form=table      the table of the README
#   form=picture    the same times as an SVG: a pair of bars for each language, the rival's is 1
#   pairs           the lines of scripts/pairs.sh
BEGIN {
    FS = "\t"
    count = split(pairs, lines, "\n")
    for (i = 1; i <= count; i++) {
        split(lines[i], fields, "|")
        language[i] = fields[1]
        ours[i] = fields[2]
        rival[i] = fields[3]
        rival_name[i] = fields[4]
    }
}

$5 ~ /^pair-/ {
    key = $5 SUBSEP $6
    median[key] = $9
    ratio[key] = $11
    times[key] = $8
    machine = $4 ", Linux " $3 ", commit " $1
}

# 1234.5 microseconds as 1.2 ms, with two digits at least.
function time(us) {
    if (us < 1000) return sprintf(us < 100 ? "%.1f us" : "%.0f us", us)
    return sprintf(us < 10000 ? "%.2f ms" : "%.1f ms", us / 1000)
}

function bytes(number) {
    if (number < 1000000) return sprintf("%.1f KB", number / 1000)
    return sprintf("%.2f MB", number / 1000000)
}

function memory(kib) {
    return kib < 1024 ? kib " KiB" : sprintf("%.1f MiB", kib / 1024)
}

# A measurement that was made once has no ratios of pairs: the quotient then.
function ratio_of(bench, i,  r) {
    r = ratio[bench, ours[i]]
    return r == "-" ? median[bench, ours[i]] / median[bench, rival[i]] : r
}

function written(bench, figure) {
    if (bench == "pair-deployed") return bytes(figure)
    if (bench == "pair-resident") return memory(figure)
    return time(figure)
}

function ratio_text(r) { return sprintf(r < 10 ? "%.2f" : "%.0f", r) }

# The largest number of measurements of a bench.
function most_times(bench,  i, most) {
    for (i = 1; i <= count; i++) if (times[bench, ours[i]] > most) most = times[bench, ours[i]]
    return most
}

function row(title, bench,  i) {
    printf "| %s |", title
    for (i = 1; i <= count; i++) {
        if (!((bench, ours[i]) in median)) printf " - |"
        else printf " **%s** (%s / %s) |", ratio_text(ratio_of(bench, i)),
            written(bench, median[bench, ours[i]]), written(bench, median[bench, rival[i]])
    }
    print ""
}

function table(  i) {
    printf "| tinderbox beside |"
    for (i = 1; i <= count; i++) printf " %s: %s |", language[i], rival_name[i]
    printf "\n|---|"
    for (i = 1; i <= count; i++) printf "---|"
    print ""
    row("`exec` to the first response", "pair-response")
    row("warm event", "pair-event")
    row("memory at the first response", "pair-resident")
    row("deployed, unzipped", "pair-deployed")
    printf "\n**Ratio** (tinderbox / the other), below 1 where tinderbox is ahead. The two of a pair took turns on one core:\n"
    printf "medians of up to %d starts and %d events; %s.\n\n", most_times("pair-response"), most_times("pair-event"), machine
    print "![Start and warm event of tinderbox beside the runtime that it replaces](benches/record/x86_64/figures.svg)"
}

# Leaves the pairs that have a bench in order[], the smallest ratio first; how many there are.
function sort_pairs(bench,  i, at, n) {
    n = 0
    for (i = 1; i <= count; i++) {
        if (!((bench, ours[i]) in median)) continue
        for (at = ++n; at > 1 && ratio_of(bench, order[at - 1]) > ratio_of(bench, i); at--)
            order[at] = order[at - 1]
        order[at] = i
    }
    return n
}

function text(x, y, class, anchor, content) {
    gsub(/&/, "\\&amp;", content)
    gsub(/</, "\\&lt;", content)
    printf "<text x=\"%d\" y=\"%d\" class=\"%s\" text-anchor=\"%s\">%s</text>\n", x, y, class, anchor, content
}

function bar(y, class, name, part, label) {
    text(200, y + 12, "name", "end", name)
    printf "<rect x=\"208\" y=\"%d\" width=\"%.1f\" height=\"16\" class=\"%s\"/>\n", y, part * unit, class
    text(214 + part * unit, y + 12, "name", "start", label)
}

# A panel from y on; where the next one begins.
function panel(y, title, bench,  n, at, i, most) {
    n = sort_pairs(bench)
    text(16, y, "title", "start", title)
    y += 12
    most = 1
    for (at = 1; at <= n; at++) if (ratio_of(bench, order[at]) > most) most = ratio_of(bench, order[at])
    unit = 380 / most
    for (at = 1; at <= n; at++) {
        i = order[at]
        text(16, y + 23, "language", "start", language[i])
        bar(y, "ours", "tinderbox", ratio_of(bench, i),
            sprintf("%s (%s of the other)", time(median[bench, ours[i]]), ratio_text(ratio_of(bench, i))))
        bar(y + 18, "rival", rival_name[i], 1, time(median[bench, rival[i]]))
        y += 46
    }
    return y + 24
}

function picture(  height) {
    height = 2 * (12 + 46 * count + 24) + 60
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 %d\" width=\"800\" height=\"%d\">\n", height, height
    print "<title>tinderbox beside the runtimes that it replaces</title>"
    print "<style>"
    print "text{font:13px system-ui,sans-serif;fill:#1c2024}.title{font-size:15px;font-weight:600}"
    print ".language{font-weight:600}.ground{fill:#fff}.ours{fill:#c2480c}.rival{fill:#8a94a0}"
    print "@media (prefers-color-scheme:dark){"
    print "text{fill:#e4e8ec}.ground{fill:#14171b}.ours{fill:#ff9a4d}.rival{fill:#6c7886}"
    print "}"
    print "</style>"
    printf "<rect width=\"800\" height=\"%d\" class=\"ground\"/>\n", height
    at = panel(28, "Start: from exec to the first response. Each pair of bars has a scale of its own", "pair-response")
    at = panel(at, "Warm event: from the event to its response", "pair-event")
    text(16, height - 16, "name", "start", "Medians of pairs that took turns on one core: " machine)
    print "</svg>"
}

END { if (form == "picture") picture(); else table() }
