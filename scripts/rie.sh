#!/usr/bin/env bash
# Extracts AWS's Runtime Interface Emulator, the server code of Lambda, from the Python package of AWS's
# SAM CLI, and prints its path. It is downloaded once, into target/rie. On failure: one line on standard
# error with the reason, and exit 1. Each step has a timeout of five minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

version=1.170.0
sha256=6b1e686e62ab2baf5759c412c4864276ef2a88b094fca53ec070637ccba9b9a5
member=samcli/local/rapid/aws-lambda-rie-x86_64
folder=${CARGO_TARGET_DIR:-$root/target}/rie/$version
file=$folder/aws-lambda-rie-x86_64

fail() {
    say "rie.sh: cannot get the emulator: $*"
    exit 1
}
is_intact() { [ -x "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$sha256" ]; }
# timeout(1) runs programs, not functions of this shell.
need() {
    command -v "$1" >/dev/null ||
        timeout 300 bash -c '. "$0" && install_packages "$1"' "$root/scripts/toolchain.sh" "$2" ||
        fail "$1 is missing, and the Debian package $2 cannot be installed"
}

if ! is_intact "$file"; then
    [ "$(uname -m)" = x86_64 ] || fail "it is a program for x86_64, this machine is $(uname -m)"
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
        fail "cannot download aws-sam-cli $version with $pip: $(tail -n 1 "$new/log")"
    unzip -q -j "$new"/aws_sam_cli-*.whl "$member" -d "$new" 2>"$new/log" ||
        fail "aws-sam-cli $version does not contain $member: $(tail -n 1 "$new/log")"
    chmod +x "$new/${member##*/}"
    is_intact "$new/${member##*/}" || fail "the emulator of aws-sam-cli $version does not have the expected sha256 $sha256"
    # Renamed into place: another script sees no file or a complete one.
    mv "$new/${member##*/}" "$file"
fi
echo "$file"
