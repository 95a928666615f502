#!/usr/bin/env bash
# AWS's runtime interface client for Python, awslambdaric, from its registry, into a folder of its own.
#
#   benches/rivals/python.sh    prints name, bootstrap and versions
set -euo pipefail
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || install_packages python3 python3-pip || skip "no python3"
to=$(make_folder python)
# The interpreter itself: the first one in PATH may be a script that selects one.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
if ! [ -d "$to/awslambdaric" ]; then
    "$python" -m pip --version >/dev/null 2>&1 || install_packages python3-pip || skip "no pip"
    log=$(timeout $BUILD_TIMEOUT_S "$python" -m pip install --quiet --disable-pip-version-check \
        --root-user-action ignore --target "$to" awslambdaric 2>&1) ||
        skip "awslambdaric does not install: $(tail -n 1 <<<"$log")"
fi
cat >"$to/function.py" <<'EOF'
def handler(event, context):
    return event
EOF
cat >"$to/bootstrap" <<EOF
#!/bin/sh
cd "\$LAMBDA_TASK_ROOT" && exec $python -m awslambdaric function.handler
EOF
version=$(basename "$to"/awslambdaric-*.dist-info | sed 's/awslambdaric-\(.*\)\.dist-info/\1/')
report_rival "aws python client" "$to/bootstrap" "python $("$python" --version | cut -d' ' -f2), awslambdaric $version"
