#!/usr/bin/env bash
# AWS's runtime interface client for Node.js, aws-lambda-ric, from its registry. Its native part is
# built on the spot: curl, then aws-lambda-cpp, then a node addon (cmake, autotools, a C++ compiler).
#
#   benches/rivals/node.sh    prints name, bootstrap and versions
set -euo pipefail
. "$(dirname "$0")/lib.sh"

command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm ||
    skip "no node and npm"
to=$(make_folder node)
from=$(make_folder build-node)
client=$from/node_modules/aws-lambda-ric
if ! ls "$client"/dist/*.node >/dev/null 2>&1; then
    packages=()
    for pair in cmake:cmake autoconf:autoconf automake:automake libtoolize:libtool make:make g++:g++; do
        command -v "${pair%:*}" >/dev/null || packages+=("${pair#*:}")
    done
    [ ${#packages[@]} = 0 ] || install_packages "${packages[@]}" || skip "no ${packages[*]}"
    echo '{"private":true}' >"$from/package.json"
    # The managed runtimes up to Node 22 have version 3, and later ones version 4.
    wanted=aws-lambda-ric@4
    [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -gt 22 ] || wanted=aws-lambda-ric@3
    log=$(cd "$from" && timeout $BUILD_TIMEOUT_S npm install --no-audit --no-fund $wanted 2>&1) ||
        skip "aws-lambda-ric does not install: $(grep -i error <<<"$log" | tail -n 2 | head -n 1)"
    # A package manager that runs no scripts of packages says so and succeeds.
    ls "$client"/dist/*.node >/dev/null 2>&1 || skip "aws-lambda-ric installs without its native part"
fi
# The files that it runs with, without those of its build.
mkdir -p "$to/node_modules/aws-lambda-ric"
cp -R "$client/bin" "$client/dist" "$client/package.json" "$to/node_modules/aws-lambda-ric/"
cat >"$to/index.mjs" <<'EOF'
export const handler = async (event) => event;
EOF
# With the flags of the managed runtime.
cat >"$to/bootstrap" <<'EOF'
#!/bin/sh
memory=${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:-128}
young=$((memory / 10))
cd "$LAMBDA_TASK_ROOT" && exec node --expose-gc --max-http-header-size 81920 \
    --max-semi-space-size=$((young / 2)) --max-old-space-size=$((memory - young)) \
    node_modules/aws-lambda-ric/bin/index.mjs index.handler
EOF
version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$client/package.json")
report_rival "aws node client" "$to/bootstrap" "node $(node --version), aws-lambda-ric $version"
