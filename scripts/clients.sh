#!/usr/bin/env bash
# Installs the clients of tests/clients.rs in target/clients: boto3, the AWS CLI 1 and cargo-lambda by pip,
# the AWS SDK for JavaScript by npm, with the versions of tests/clients/packages; the AWS CLI 2 by Debian.
# Builds the runtimes of tests/clients/runtimes.rs: AWS's own clients of the Runtime API for Rust, Node and
# Python, and the tutorial in shell (benches/rivals). What is installed already stays. On failure: a line on
# standard error for each part that is missing, whose tests print a skip then, and exit 1. Each step has a
# timeout of ten minutes.
#
#   scripts/clients.sh [boto3] [awscli] [awscli2] [cargo-lambda] [javascript] [runtimes]    default: all
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

packages=$root/tests/clients/packages
folder=${CARGO_TARGET_DIR:-$root/target}/clients
mkdir -p "$folder"
status=0
fail() {
    say "clients.sh: $*"
    status=1
}

# Runs an install in a new folder, which becomes NAME when it is whole. The stamp is what it was made from.
install() {
    local name=$1 stamp=$2 how=$3
    [ "$(cat "$folder/$name/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
    rm -rf "$folder/$name" "$folder/$name.new"
    mkdir "$folder/$name.new"
    "$how" "$name" "$folder/$name.new" >"$folder/$name.log" 2>&1 ||
        { fail "$name: $(grep -i error "$folder/$name.log" | tail -n 1)"; return; }
    echo "$stamp" >"$folder/$name.new/.stamp"
    mv "$folder/$name.new" "$folder/$name"
}
hash() { cat "$@" | sha256sum | cut -d' ' -f1; }

# The lists have all dependencies. Folders and no virtual environments: these cannot be renamed.
from_pip() {
    timeout 600 python3 -m pip install --disable-pip-version-check --root-user-action ignore --no-deps \
        --only-binary :all: --target "$2" -r "$packages/$1.txt"
}
# No package runs a script of its own: all that is needed comes built.
from_npm() {
    cp "$packages/package.json" "$packages/package-lock.json" "$2"
    (cd "$2" && timeout 600 npm ci --omit=dev --ignore-scripts --no-audit --no-fund)
}

debian=()
need() { [ -e "$1" ] || command -v "$1" >/dev/null || debian+=("$2"); }
[ $# -gt 0 ] || set -- boto3 awscli awscli2 cargo-lambda javascript runtimes
for name in "$@"; do
    case $name in
        boto3 | awscli | cargo-lambda)
            need python3 python3
            python3 -m pip --version >/dev/null 2>&1 || debian+=(python3-pip)
            ;;
        awscli2) need /usr/share/doc/awscli awscli ;;
        javascript)
            need node nodejs
            need npm npm
            ;;
        runtimes) ;;
        *)
            say "clients.sh: unknown client '$name': expected boto3, awscli, awscli2, cargo-lambda, javascript or runtimes"
            exit 2
            ;;
    esac
done
if [ ${#debian[@]} -gt 0 ]; then
    install_packages "${debian[@]}" || fail "cannot install Debian's packages ${debian[*]}"
fi

for name in "$@"; do
    case $name in
        boto3 | awscli | cargo-lambda)
            install "$name" "$(hash "$packages/$name.txt") $(python3 --version)" from_pip
            ;;
        javascript) install "$name" "$(hash "$packages/package-lock.json") $(node --version)" from_npm ;;
        runtimes)
            "$root/benches/rivals/build.sh" official-probe shell node python >"$folder/runtimes.txt" || fail "the runtimes"
            while IFS=$'\t' read -r runtime path reason; do
                [ "$path" != - ] || fail "$runtime: ${reason#skipped: }"
            done <"$folder/runtimes.txt"
            ;;
    esac
done
exit $status
