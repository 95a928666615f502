# The table of web applications in src/guide/numbers.md, from a file of the record: of each subject the last row.
# Used by scripts/figures.sh.

BEGIN { FS = "\t" }

function value(subject) {
    return (subject in unit) ? median[subject] + 0 " " unit[subject] : "-"
}

$5 == "web" {
    commit = $1
    unit[$6] = $7
    median[$6] = $9
    ratio[$6] = $11 == "-" ? "" : sprintf("%.2f", $11)
}

END {
    count = split("C server|Node|PHP page", applications, "|")
    rows = split("added to the application|start to first answer|POST of 4.4 MB|system calls an event|resident", what, "|")
    printf "\nWeb applications behind `bootstrap` and behind a rival (`benches/web.rs`), commit %s: ratio (ours / rival):\n\n", commit
    print "| | C server | Node | PHP page |\n|---|---|---|---|"
    for (r = 1; r <= rows; r++) {
        printf "| %s |", what[r]
        for (a = 1; a <= count; a++) {
            subject = applications[a] ": " what[r]
            printf " %s (%s / %s) |", ratio[subject], value(subject), value(subject ", rival")
        }
        printf "\n"
    }
}
