#!/usr/bin/env bash
# Gets AWS's Runtime Interface Emulator, the server code of Lambda, out of the Python package of
# AWS's SAM CLI, and prints its path. It is fetched once, into target/rie. Where it cannot be had: one
# line on standard error that says why, and exit 1. No step takes more than five minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

version=1.170.0
sha256=6b1e686e62ab2baf5759c412c4864276ef2a88b094fca53ec070637ccba9b9a5
member=samcli/local/rapid/aws-lambda-rie-x86_64
folder=${CARGO_TARGET_DIR:-$root/target}/rie/$version
file=$folder/aws-lambda-rie-x86_64

fail() {
    say "rie.sh: no emulator: $*"
    exit 1
}
is_whole() { [ -x "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$sha256" ]; }
# A function cannot be given to timeout: a shell of its own can.
need() {
    command -v "$1" >/dev/null ||
        timeout 300 bash -c '. "$0" && install_packages "$1"' "$root/scripts/toolchain.sh" "$2" ||
        fail "no $1 here, and the package $2 cannot be installed"
}

if ! is_whole "$file"; then
    [ "$(uname -m)" = x86_64 ] || fail "it is run on x86_64, this is $(uname -m)"
    need unzip unzip
    pip=pip3
    ! command -v pip >/dev/null || pip=pip
    need "$pip" python3-pip
    mkdir -p "$folder"
    new=$folder/new.$$
    mkdir "$new"
    trap 'rm -rf "$new"' EXIT
    (cd "$new" && timeout 300 "$pip" download -q --no-deps --only-binary :all: \
        --disable-pip-version-check "aws-sam-cli==$version") >"$new/log" 2>&1 ||
        fail "aws-sam-cli $version from the Python package index: $(tail -n 1 "$new/log")"
    unzip -q -j "$new"/aws_sam_cli-*.whl "$member" -d "$new" 2>"$new/log" ||
        fail "aws-sam-cli $version holds no $member: $(tail -n 1 "$new/log")"
    chmod +x "$new/${member##*/}"
    is_whole "$new/${member##*/}" || fail "aws-sam-cli $version holds another emulator"
    # Into place by a rename: whoever looks meanwhile sees none or a whole one.
    mv "$new/${member##*/}" "$file"
fi
echo "$file"
