#!/usr/bin/env bash
# Everything that has to hold, with all the set-up that it needs: formatting, lints, unit and
# integration tests, Miri, AWS's own emulator, both architectures, reproducibility, size.
#
#   scripts/test.sh          under 20 minutes on two cores; prints what it reduced or skipped
#   scripts/test.sh --soak   the long counts
#
# A test that cannot run on this machine is printed as skipped, and counted at the end.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/toolchain.sh

started=$SECONDS
skipped=0
stage() { printf '\n== %s (%d s so far)\n' "$*" $((SECONDS - started)); }
skip() {
    skipped=$((skipped + 1))
    printf 'skipped: %s\n' "$*"
}

if [ "${1:-}" = --soak ]; then
    export TINDERBOX_SOAK=20000 # rounds of random misbehaviour; the wire makes ten times its mutations
elif [ $# -gt 0 ]; then
    say "test.sh: unknown argument '$1'"
    exit 2
else
    echo "Short run: a million mutations and a few hundred rounds of random misbehaviour; --soak makes"
    echo "ten million and 20,000. Of the few hundred, the binaries under qemu get a quarter. Of payload"
    echo "sizes 12,000 events are tried, of the faults of system calls a half; --soak tries 100,000, and all."
fi

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
target=${CARGO_TARGET_DIR:-$root/target}
functions="bare echo hello probe typed" # of tests/functions
features="fail log format stream http hooks shutdown json threads" # the binaries of one of them

stage "Format and lints"
"${CARGO[@]}" fmt --check
"${CARGO[@]}" clippy --quiet --all-targets --features tool -- -D warnings
"${CARGO[@]}" clippy --quiet --lib --features std,json -- -D warnings
"${CARGO[@]}" clippy --quiet --lib --features json -- -D warnings
"${CARGO[@]}" clippy --quiet --no-default-features -- -D warnings
for function in $functions features; do
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

stage "Unit tests, wire, tidy, workers"
"${CARGO[@]}" test --quiet --features tool --lib --bin tinderbox --test wire --test tidy --test shims
"${CARGO[@]}" test --quiet --features std,json --lib
"${CARGO[@]}" test --quiet --features json --lib
"${CARGO[@]}" test --quiet --doc
"${CARGO[@]}" test --quiet --doc --features std,json
RUSTDOCFLAGS="-D warnings" "${CARGO[@]}" doc --quiet --lib --no-deps

stage "Release binaries"
for function in '' $functions; do
    scripts/build.sh all --unstripped ${function:+--function "$function"} 2>/dev/null
done
scripts/build.sh x86_64 --baseline 2>/dev/null
for feature in $features; do
    scripts/build.sh all --function "features/$feature" 2>/dev/null
done

# Where the integration tests find the binaries: lambda/ARCH, or the dev build.
integration() {
    "${CARGO[@]}" test --quiet --features tool "$@"
}

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
TINDERBOX_BIN_DIR=$dev integration --test runtime --test program --test hosted

# The same with limits so small that memory is given back after a few events.
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
    skip "AWS's Runtime Interface Emulator is not available here"
fi

stage "Integration: x86_64"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration \
    --test runtime --test program --test hosted --test tool --test rie --test binary --test measure \
    --test payloads --test faults --test docs

stage "Integration: aarch64, under qemu"
if command -v qemu-aarch64-static >/dev/null; then
    TINDERBOX_BIN_DIR=$target/lambda/aarch64 TINDERBOX_RUNNER=qemu-aarch64-static integration \
        --test runtime --test program --test hosted --test rie --test binary
else
    skip "no qemu-aarch64-static: the aarch64 binaries were built, not run"
fi

stage "The same bytes from two folders"
integration --test reproducible

stage "Packages"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --test package

stage "Benches: what they assert"
TINDERBOX_BIN_DIR=$target/lambda/x86_64 integration --benches

stage "Size, and whether README and guide say what the record does"
scripts/size.sh
scripts/figures.sh --check

stage "Miri"
if rustup run nightly cargo miri --version >/dev/null 2>&1 ||
    timeout 300 rustup -q toolchain install nightly --profile minimal -c miri -c rust-src \
        >/dev/null 2>&1; then
    cargo +nightly miri setup >/dev/null 2>&1
    cargo +nightly miri test --quiet --target-dir "$target/miri" --lib
    cargo +nightly miri test --quiet --target-dir "$target/miri" --features tool --test wire
else
    skip "no nightly toolchain with Miri"
fi

printf '\nAll passed in %d s' $((SECONDS - started))
[ "$skipped" = 0 ] && echo ", nothing skipped" || echo ", $skipped skipped: see 'skipped:' above"
