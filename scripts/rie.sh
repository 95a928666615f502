#!/usr/bin/env bash
# Gets AWS's Runtime Interface Emulator, the server code of Lambda, out of the Python package of AWS's
# SAM CLI, and prints its path. It is fetched once, into target/rie.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

version=1.170.0
folder=${CARGO_TARGET_DIR:-$root/target}/rie/$version
file=samcli/local/rapid/aws-lambda-rie-x86_64
if ! [ -x "$folder/$file" ]; then
    command -v unzip >/dev/null || install_packages unzip || true
    pip=(pip)
    if ! command -v pip >/dev/null; then
        command -v pip3 >/dev/null || install_packages python3-pip || true
        pip=(pip3)
    fi
    mkdir -p "$folder"
    if ! (cd "$folder" && timeout 300 "${pip[@]}" download -q --no-deps "aws-sam-cli==$version" >&2 &&
        unzip -q -o aws_sam_cli-*.whl "$file" && chmod +x "$file" && rm aws_sam_cli-*.whl); then
        say "rie.sh: no aws-sam-cli $version from the Python package index (needs pip and unzip)"
        exit 1
    fi
fi
echo "$folder/$file"
