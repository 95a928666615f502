#!/usr/bin/env bash
# AWS's own crate for Rust, lambda_runtime with tokio, in its smallest and in its fastest profile.
#
#   benches/rivals/official.sh    prints name, bootstrap and versions, a line for each
#
# Both are static, by way of musl, with the linker flags of our own binaries: that is how they are
# smallest and start fastest here. A dynamic build, which is what most people ship, is slower.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

arch=$(uname -m)
toolchain "$arch" 2>/dev/null || skip "no toolchain for static Rust programs"
[ "$ROUTE" = rustup ] || skip "programs with std need rustup's toolchain"
# This flag trades speed for bytes, which would be unfair to the rival.
flags=${FLAGS/-Cllvm-args=-min-jump-table-entries=100/}
flags="${flags//$'\n'/ } $(start_files "$(libc_folder "$arch")")"
for profile in smallest fastest; do
    log=$(RUSTFLAGS=$flags timeout $BUILD_TIMEOUT_S "${CARGO[@]}" build --quiet --locked --bin official \
        --manifest-path "$root/benches/rivals/Cargo.toml" --profile $profile \
        --target "$arch-unknown-linux-musl" --target-dir "$target/rivals/build" 2>&1) ||
        skip "the crate does not build here: $(tail -n 1 <<<"$log")"
    bootstrap=$(make_folder official-$profile)/bootstrap
    cp "$target/rivals/build/$arch-unknown-linux-musl/$profile/official" "$bootstrap"
    version=$(grep -A 1 '^name = "lambda_runtime"$' "$root/benches/rivals/Cargo.lock" | cut -d'"' -f2 |
        tail -n 1)
    report_rival "official crate ($profile)" "$bootstrap" "lambda_runtime $version, static"
done
