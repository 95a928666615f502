#!/usr/bin/env bash
# AWS's own crate for Rust with a function for tests/clients.rs, built quickly: nothing of it is timed.
#
#   benches/rivals/official-probe.sh    prints name, bootstrap and version
set -euo pipefail
. "$(dirname "$0")/lib.sh"

toolchain "$(uname -m)" 2>/dev/null || skip "no toolchain for Rust"
[ "$ROUTE" = rustup ] || skip "programs with std need rustup's toolchain"
log=$(timeout $BUILD_TIMEOUT_S "${CARGO[@]}" build --quiet --locked --bin official-probe \
    --manifest-path "$root/benches/rivals/Cargo.toml" --target-dir "$target/rivals/build" 2>&1) ||
    skip "the crate does not build here: $(tail -n 1 <<<"$log")"
bootstrap=$(make_folder official-probe)/bootstrap
cp "$target/rivals/build/debug/official-probe" "$bootstrap"
version=$(grep -A 1 '^name = "lambda_runtime"$' "$root/benches/rivals/Cargo.lock" | cut -d'"' -f2 |
    tail -n 1)
report_rival "official crate (probe)" "$bootstrap" "lambda_runtime $version"
