#!/usr/bin/env bash
# Runs all checks, with the set-up that they need: formatting, lints, unit and integration tests, Miri,
# AWS's emulator, both architectures, reproducible builds, sizes.
#
#   scripts/test.sh            under 20 minutes on two cores
#   scripts/test.sh --libraries   with the tests of real libraries and clients, which it installs
#   scripts/test.sh --soak     with the long counts
#   scripts/test.sh --loaded   beside four busy loops: no test may depend on an idle machine
#   scripts/test.sh --versions with other versions of the interpreters, which it downloads; also without
#                              the argument when one of the last 50 commits changed a shim
#
# Prints what the short run reduces and, at the end, the time of each stage and all skipped tests.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh
target=${CARGO_TARGET_DIR:-$root/target}

libraries=
loaded=
soak=
versions=
for argument in "$@"; do
    case $argument in
        --libraries) libraries=1 ;;
        --soak) soak=1 ;;
        --versions) versions=1 ;;
        --loaded) loaded=1 ;;
        *)
            say "test.sh: unknown argument '$argument': expected --soak, --loaded, --versions or --libraries"
            exit 2
            ;;
    esac
done
if [ -n "$soak" ]; then
    export TINDERBOX_SOAK=20000 # rounds of random server faults; ten times as many mutations of the wire
else
    echo "Short run: a million mutations, and a few hundred rounds of random server faults (a quarter of"
    echo "these under qemu); --soak makes ten million and 20,000. 12,000 events of random payload sizes, and"
    echo "half of the faults of system calls; --soak tries 100,000, and all faults."
fi

# Tests append the line of a skip to this file (tests/support/skip.rs).
mkdir -p "$target"
export TINDERBOX_SKIPPED=$target/skipped.txt
: >"$TINDERBOX_SKIPPED"
skip() { printf 'skipped: %s\n' "test.sh: $*" | tee -a "$TINDERBOX_SKIPPED"; }

# Stages: wall-clock time and processor time of each, printed at the end.
times_file=$target/stages.txt
: >"$times_file"
stage=
cpu_s= # of all children that this shell has waited for; not in a subshell, which has its own
read_cpu() {
    times >"$target/times.txt"
    cpu_s=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); sum += t[1] * 60 + t[2] } }
        END { printf "%d", sum }' "$target/times.txt")
}
end_stage() {
    read_cpu
    [ -z "$stage" ] || printf '%7d s %7d s  %s\n' $((SECONDS - stage_started)) \
        $((cpu_s - stage_cpu)) "$stage" >>"$times_file"
    stage=
}
stage() {
    end_stage
    printf '\n== %s (%d s so far)\n' "$*" $SECONDS
    stage=$* stage_started=$SECONDS stage_cpu=$cpu_s
}

# Busy loops, and the stages in the background, do not outlive this script: it kills them by pid at its
# exit, and a loop exits when the script is gone.
children=()
load() {
    local i
    for i in 1 2 3 4; do
        sh -c 'while kill -0 "$1"; do i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; done' \
            loop $$ 2>/dev/null &
        children+=($!)
    done
}
finish() {
    local status=$? child
    trap - EXIT INT TERM
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || :; done
    for child in $background $installer; do kill -- "-$child" 2>/dev/null || :; done
    end_stage
    printf '\nWall-clock and processor time of each stage, %d s in all:\n' $SECONDS
    cat "$times_file"
    report_skipped
    [ $status != 0 ] || printf '\nAll passed in %d s\n' $SECONDS
    exit $status
}
report_skipped() {
    local count reason
    count=$(wc -l <"$TINDERBOX_SKIPPED")
    [ "$count" != 0 ] || { printf '\nNothing skipped\n'; return; }
    printf '\n%d skipped:\n' "$count"
    sed 's/^skipped: [^ ]*: //' "$TINDERBOX_SKIPPED" | sort -u | while read -r reason; do
        printf '  %s\n' "$reason"
        grep -F ": $reason" "$TINDERBOX_SKIPPED" | sed 's/^skipped: \([^ ]*\): .*/    \1/' | sort | uniq -c
    done
}
background=
installer=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stage "Set-up"
packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need cc gcc
need dash dash
need busybox busybox
need ps procps
need curl curl
need strace strace
need zip zip
need unzip unzip
need patchelf patchelf
need qemu-aarch64-static qemu-user-static
need php php-cli
need php-cgi php-cgi
compgen -G '/usr/sbin/php-fpm*' >/dev/null || packages+=(php-fpm)
need node nodejs
need python3 python3
need ruby ruby
need perl perl
[ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
if [ ${#packages[@]} -gt 0 ]; then
    install_packages "${packages[@]}" || echo "cannot install: ${packages[*]}"
fi
command -v cc >/dev/null || { say "test.sh: no C compiler driver 'cc' to link tests with"; exit 1; }
toolchain x86_64 aarch64
if [ -n "$libraries" ]; then # beside the builds: it waits for the network
    set -m
    (status=0
    scripts/libraries.sh || status=1
    scripts/clients.sh || status=1
    exit $status) >"$target/libraries.txt" 2>&1 &
    installer=$!
    set +m
fi
[ -z "$loaded" ] || load
[ -z "$(git log -n 50 --format=%h -- src/host/worker 2>/dev/null)" ] || versions=1
[ -n "$versions" ] || skip "other versions of the interpreters: none of the last 50 commits changed a shim"
functions="bare echo hello probe typed" # of tests/functions
features="fail log format stream http hooks shutdown json threads" # the binaries of one of them

stage "Format and lints"
"${CARGO[@]}" fmt --check
"${CARGO[@]}" clippy --quiet --all-targets --features tool -- -D warnings
"${CARGO[@]}" clippy --quiet --lib --features std,json -- -D warnings
"${CARGO[@]}" clippy --quiet --lib --features json -- -D warnings
"${CARGO[@]}" clippy --quiet --no-default-features -- -D warnings
"${CARGO[@]}" clippy --quiet --no-default-features --features lambda-extras,stream -- -D warnings # no web
"${CARGO[@]}" clippy --quiet --lib --no-default-features --features testing -- -D warnings
for function in $functions features ecosystem; do
    "${CARGO[@]}" fmt --check --manifest-path "tests/functions/$function/Cargo.toml"
    "${CARGO[@]}" clippy --quiet --manifest-path "tests/functions/$function/Cargo.toml" \
        --target-dir "$target/functions" -- -D warnings
done
for package in baseline rivals; do
    "${CARGO[@]}" fmt --check --manifest-path "benches/$package/Cargo.toml"
done
"${CARGO[@]}" clippy --quiet --manifest-path benches/baseline/Cargo.toml --target-dir "$target/functions" \
    -- -D warnings
for feature in json threads; do
    "${CARGO[@]}" clippy --quiet --manifest-path tests/functions/features/Cargo.toml \
        --target-dir "$target/functions" --bin $feature --features $feature -- -D warnings
done

stage "Unit tests, wire, tidy, shims"
"${CARGO[@]}" test --quiet --features tool --lib --bin tinderbox --test wire --test http_event \
    --test tidy --test shims
"${CARGO[@]}" test --quiet --features std,json --lib
"${CARGO[@]}" test --quiet --features json --lib
"${CARGO[@]}" test --quiet --doc
"${CARGO[@]}" test --quiet --doc --features std,json
for features_set in '' std,json testing; do
    RUSTDOCFLAGS="-D warnings" "${CARGO[@]}" doc --quiet --lib --no-deps --features "$features_set"
done
RUSTDOCFLAGS="-D warnings" "${CARGO[@]}" doc --quiet --lib --no-deps --no-default-features

stage "Functions with libraries of others"
"${CARGO[@]}" test --quiet --manifest-path tests/functions/ecosystem/Cargo.toml --target-dir "$target/functions"

stage "Release binaries"
for function in '' $functions; do
    scripts/build.sh all --unstripped ${function:+--function "$function"} 2>/dev/null
done
scripts/build.sh x86_64 --baseline 2>/dev/null
for feature in $features; do
    scripts/build.sh all --function "features/$feature" 2>/dev/null
done

integration() { # with the binaries of TINDERBOX_BIN_DIR
    "${CARGO[@]}" test --quiet --features tool "$@"
}

# In the background: stages that only compute and build, beside integration tests that mostly wait.
beside() {
    local began=$SECONDS
    if [ -n "$versions" ]; then
        scripts/interpreters.sh || skip "scripts/interpreters.sh fails: some versions of the interpreters are missing"
        printf '%7d s           beside: other versions of the interpreters\n' $((SECONDS - began)) >>"$times_file"
        began=$SECONDS
    fi
    if rustup run nightly cargo miri --version >/dev/null 2>&1 ||
        timeout 300 rustup -q toolchain install nightly --profile minimal -c miri -c rust-src \
            >/dev/null 2>&1; then
        cargo +nightly miri setup >/dev/null 2>&1
        # The unit tests leak their buffers: these have to live as long as the program.
        MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri test --quiet --target-dir "$target/miri" --lib
        cargo +nightly miri test --quiet --target-dir "$target/miri" --features tool --test wire
    else
        skip "no nightly toolchain with Miri"
    fi
    printf '%7d s           beside: Miri\n' $((SECONDS - began)) >>"$times_file"
    began=$SECONDS
    integration --test reproducible
    printf '%7d s           beside: the same bytes from two folders\n' $((SECONDS - began)) >>"$times_file"
}
printf '\n== Beside the stages that follow: other interpreters, Miri, the same bytes from two folders\n'
set -m # a process group of its own, to be killed as one
(set -e; beside) >"$target/beside.txt" 2>&1 &
background=$!
set +m

stage "Integration: the dev build, with overflow checks"
dev=$target/lambda/dev
"${CARGO[@]}" build --quiet
mkdir -p "$dev"
cp "$target/debug/bootstrap" "$dev/bootstrap"
for function in $functions; do
    "${CARGO[@]}" build --quiet --manifest-path "tests/functions/$function/Cargo.toml" \
        --target-dir "$target/functions"
    mkdir -p "$dev/$function"
    cp "$target/functions/debug/$function" "$dev/$function/bootstrap"
done
for feature in $features; do
    mkdir -p "$dev/features/$feature"
    flag=()
    case $feature in json | threads) flag=(--features "$feature") ;; esac
    "${CARGO[@]}" build --quiet --manifest-path tests/functions/features/Cargo.toml \
        --target-dir "$target/functions" --bin "$feature" "${flag[@]}"
    cp "$target/functions/debug/$feature" "$dev/features/$feature/bootstrap"
done
TINDERBOX_BIN_DIR=$dev integration --test runtime --test program --test hosted --test fidelity

# The same with limits so small that memory is released after a few events.
small=$target/lambda/small
for function in '' bare echo probe; do
    RUSTFLAGS='--cfg tinderbox_small_limits' CARGO_PROFILE_DEV_OPT_LEVEL=1 \
        "${CARGO[@]}" build --quiet --target-dir "$target/small" \
        ${function:+--manifest-path "tests/functions/$function/Cargo.toml"}
    mkdir -p "$small/$function"
    cp "$target/small/debug/${function:-bootstrap}" "$small/$function/bootstrap"
done
TINDERBOX_BIN_DIR=$small TINDERBOX_SMALL_LIMITS=1 integration --test payloads

if TINDERBOX_RIE=$(scripts/rie.sh); then
    export TINDERBOX_RIE
else
    unset TINDERBOX_RIE
    skip "AWS's Runtime Interface Emulator cannot be fetched"
fi

stage "Integration: x86_64"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration \
    --test runtime --test program --test hosted --test tool --test rie --test binary --test measure \
    --test payloads --test faults --test docs --test fidelity
# The others need packages, and run with the libraries.
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --test web -- --skip servers:: --skip browser:: --skip frameworks::

if [ -n "$libraries" ]; then
    stage "Libraries"
    wait $installer || skip "$(tail -n 1 "$target/libraries.txt")"
    installer=
    TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --test libraries --test clients
    TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --test web -- servers:: browser:: frameworks::
fi

stage "Integration: aarch64, under qemu"
if command -v qemu-aarch64-static >/dev/null; then
    TINDERBOX_BIN_DIR=$target/lambda/aarch64 TINDERBOX_RUNNER=qemu-aarch64-static integration \
        --test runtime --test program --test hosted --test fidelity --test rie --test binary
    # qemu 7.2 has no openat2, which static files and the scripts of php-fpm need.
    TINDERBOX_BIN_DIR=$target/lambda/aarch64 TINDERBOX_RUNNER=qemu-aarch64-static integration \
        --test web -- http:: http_streams hostile:: --skip chaos
else
    skip "no qemu-aarch64-static: the aarch64 binaries were built, not run"
fi

stage "Packages"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --test package

stage "Benches: assertions only"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --benches

stage "Sizes, and the figures of the README"
scripts/size.sh
scripts/figures.sh --check

stage "The rest of what runs beside: other interpreters, Miri, the same bytes from two folders"
status=0
wait $background || status=$?
background=
cat "$target/beside.txt"
[ $status = 0 ] || say "test.sh: Miri, or the builds in two folders, failed with exit $status"
if [ -n "$versions" ]; then
    stage "Fidelity: other versions of the interpreters"
    TINDERBOX_INTERPRETERS=$target/interpreters TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration \
        --test fidelity -- versions
fi
exit $status
