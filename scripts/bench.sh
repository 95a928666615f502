#!/usr/bin/env bash
# Measures everything: the wire, cold starts, warm events, payloads, streams, and the rivals.
#
#   scripts/bench.sh             under 15 minutes on two cores, including the set-up of the rivals
#   scripts/bench.sh --quick     fewer rounds, and only rivals that are built already
#   scripts/bench.sh --record    also appends to benches/record, and runs scripts/figures.sh
#
# The figures of a run are written to target/bench/rows.tsv. A rival that is not available is printed as
# skipped, with the reason.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh
. scripts/record.sh
. scripts/pairs.sh

quick='' record=''
for argument in "$@"; do
    case $argument in
        --quick) quick=1 ;;
        --record) record=1 ;;
        *) say "bench.sh: unknown argument '$argument' (see the first lines of this script)"; exit 2 ;;
    esac
done

started=$SECONDS
stage() { printf '\n== %s (%d s so far)\n' "$*" $((SECONDS - started)); }
skipped() { printf 'skipped: %s\n' "$*"; }

arch=$(uname -m)
event='{"name":"Ada"}' # for hello; the others echo it
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
built=$target/lambda/$arch
out=$target/bench
mkdir -p "$out"
export TINDERBOX_ROWS=$out/rows.tsv TINDERBOX_BIN_DIR=$built
: >"$TINDERBOX_ROWS"

stage "Set-up"
missing=()
for pair in zip:zip jq:jq taskset:util-linux cc:gcc; do
    command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" || say "cannot install: ${missing[*]}"
toolchain "$arch"
for what in '' --baseline --tool; do
    scripts/build.sh "$arch" ${what:+$what} 2>/dev/null
done
for function in bare echo hello probe features/stream; do
    scripts/build.sh "$arch" --function $function 2>/dev/null
done
all=(official shell php node python web-adapter php-fpm)
rivals=("${all[@]}")
if [ -n "$quick" ]; then
    rivals=()
    for rival in "${all[@]}"; do
        if compgen -G "$target/rivals/${rival/official/official-*}/bootstrap" >/dev/null; then
            rivals+=("$rival")
        else
            skipped "$rival: not built, and --quick builds no rivals"
        fi
    done
fi
: >"$out/rivals.tsv"
[ ${#rivals[@]} = 0 ] || benches/rivals/build.sh "${rivals[@]}" >"$out/rivals.tsv"
if [ -z "$quick" ]; then # the rivals of the local Lambda; benches/local.rs names what is missing
    scripts/rie.sh >"$out/log" || :
    scripts/clients.sh cargo-lambda || :
fi

stage "Benches"
"${CARGO[@]}" bench --quiet --features tool --benches ${quick:+-- --quick}

# Adds a candidate, NAME=PATH[,task-root=DIR,handler=H] as for `tinderbox measure`, if its answer is right.
#
#   candidate NAME PATH ANSWER [ROOT HANDLER]
candidate() {
    local name=$1 path=$2 wanted=$3 where=() answer
    [ $# -lt 5 ] || where=(--task-root "$4" --handler "$5")
    if ! answer=$("$tool" run "$path" "${where[@]}" --timeout 20 --once "$event" 2>"$out/log"); then
        skipped "$name: $(jq -r '.errorMessage' <<<"$answer" 2>/dev/null || tail -n 1 "$out/log")"
    elif [ "$(jq -c . <<<"$answer" 2>/dev/null)" != "$wanted" ]; then
        skipped "$name: wrong answer, expected $wanted: $answer"
    else
        candidates+=("$name=$path${4:+,task-root=$4,handler=$5}")
    fi
}

# Prints the candidate of a name, or nothing.
find_candidate() {
    local one
    for one in "${candidates[@]}"; do
        [ "${one%%=*}" != "$1" ] || printf '%s' "$one"
    done
}

# Appends the rows of the last measurement, and prints them.
#
#   rows PAIR OTHER    PAIR: of two, true or false; OTHER: what the ratio refers to
rows() {
    jq -r --argjson pair "$1" -f scripts/rows.jq "$out/measure.json" | tee -a "$TINDERBOX_ROWS" |
        awk -F'\t' -v other="$2" '
            { beside = $7 == "-" ? "" : $7 " of " other " [" $8 " to " $9 "]"
              printf "%-16s %-28s %12s %-6s %s\n", $1, $2, $5, $3, beside }'
}

stage "tinderbox measure"
tool=$built/tinderbox
candidates=()
candidate baseline "$built/baseline/bootstrap" "$event" # compared with itself: the noise
candidate echo "$built/echo/bootstrap" "$event"
candidate bare "$built/bare/bootstrap" "$event"
candidate hello "$built/hello/bootstrap" '{"message":"Hello, Ada!"}'
candidate "bootstrap cat" "$built/bootstrap" "$event" /bin cat
candidate "bootstrap shell" "$built/bootstrap" "$event" \
    "$root/benches/rivals/shell" function.handler
cp -r "$root/benches/hosted" "$out/" # Python writes its cache beside the source
for language in php node python ruby; do
    candidate "bootstrap $language" "$built/bootstrap" "$event" \
        "$out/hosted" $language:function.handler
done
while IFS=$'\t' read -r name path what; do
    case $path in */web-adapter/* | */php-fpm/*) continue ;; esac # those of benches/web.rs
    if [ "$path" = - ]; then
        skipped "$name: ${what#skipped: }"
        continue
    fi
    printf '%s: %s\n' "$name" "$what"
    # Deployed is the file where it is static, else its folder.
    case $name in
        official*) candidate "$name" "$path" "$event" ;;
        *) candidate "$name" "$(dirname "$path")" "$event" ;;
    esac
done <"$out/rivals.tsv"

# Each takes turns with the baseline alone: after a large process, such as an interpreter, the next start
# finds cold processor caches.
extent=(${quick:+--cold-starts 15 --invocations 200})
for one in "${candidates[@]}"; do
    "$tool" measure "$one" --baseline "baseline=$built/baseline/bootstrap" "${extent[@]}" \
        --event "$event" --json </dev/null >"$out/measure.json"
    rows false "the baseline"
done

stage "Each beside the rival that it replaces"
while IFS='|' read -r language ours rival _; do
    ours=$(find_candidate "$ours") rival=$(find_candidate "$rival")
    if [ -z "$ours" ] || [ -z "$rival" ]; then
        skipped "$language: one of the two does not take part"
        continue
    fi
    "$tool" measure "$ours" --compare "$rival" "${extent[@]}" --event "$event" --json \
        </dev/null >"$out/measure.json"
    rows true "its rival"
done <<<"$PAIRS"

if [ -n "$record" ]; then
    record_append "$arch" "$(cut -d' ' -f2 <<<"$RUSTC_VERSION")" ran <"$TINDERBOX_ROWS"
    scripts/figures.sh
fi
printf '\nDone in %d s; the figures are in %s\n' $((SECONDS - started)) "$out"
