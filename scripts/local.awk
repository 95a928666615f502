# The table of the local Lambda in src/guide/numbers.md, from a file of the record: of each subject the last
# row. Used by scripts/figures.sh.

BEGIN { FS = "\t" }

function value(subject) {
    return (subject in unit) ? median[subject] + 0 " " unit[subject] : "-"
}

# A rival's figure, and its ratio to that of `tinderbox run`.
function rival(subject, name) {
    subject = subject ", " name
    return (subject in unit) ? value(subject) " (" sprintf("%.2f", ratio[subject]) ")" : "-"
}

$5 == "local" {
    commit = $1
    unit[$6] = $7
    median[$6] = $9
    ratio[$6] = $11
}

END {
    split("RIE|cargo lambda watch", rivals, "|")
    rows = split("start to listening|start to first answer|20 B, keep-alive|one caller|20 B, a connection each|100 KB string|1 MB string|1.1 MB of objects|environments started|system calls an event|peak resident, idle|peak resident, after all sizes|resident, 2,000 connections|threads, 2,000 connections", what, "|")
    printf "\nThe local Lambda with the native echo, and others with the same file (`benches/local.rs`), commit %s; in brackets the ratio to `tinderbox run`:\n\n", commit
    print "| | `tinderbox run` | AWS's emulator (RIE) | `cargo lambda watch` |\n|---|---|---|---|"
    for (r = 1; r <= rows; r++)
        printf "| %s | %s | %s | %s |\n", what[r], value(what[r]), rival(what[r], rivals[1]), rival(what[r], rivals[2])
}
