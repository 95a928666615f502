#!/usr/bin/env bash
# AWS Lambda Web Adapter, from its registry: the extension that puts an HTTP server behind Lambda.
#
#   benches/rivals/web-adapter.sh    prints name, bootstrap and versions
#
# It has its makers' release profile and their lock file, and is static, as they ship it. The bootstrap is a
# small program that starts both as Lambda does (web-adapter.c).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

VERSION=1.0.0-rc1
arch=$(uname -m)
toolchain "$arch" 2>/dev/null || skip "no toolchain for static Rust programs"
[ "$ROUTE" = rustup ] || skip "programs with std need rustup's toolchain"
to=$(make_folder web-adapter)
if ! [ -x "$to/bin/lambda-adapter" ]; then
    log=$(timeout $BUILD_TIMEOUT_S "${CARGO[@]}" install --quiet --locked --root "$to" \
        --target "$arch-unknown-linux-musl" --target-dir "$target/rivals/build" \
        "lambda_web_adapter@$VERSION" 2>&1) ||
        skip "lambda_web_adapter does not build here: $(tail -n 1 <<<"$log")"
fi
command -v cc >/dev/null && [ -e /usr/include/stdio.h ] || install_packages gcc libc6-dev || skip "no C compiler"
cc -O2 -static -o "$to/bootstrap" "$root/benches/rivals/web-adapter.c"
cp "$to/bin/lambda-adapter" "$to/"
report_rival "web adapter" "$to/bootstrap" "lambda_web_adapter $VERSION, static"
