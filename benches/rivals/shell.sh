#!/usr/bin/env bash
# The runtime in shell of AWS's tutorial: bash, and two curls an event.
#
#   benches/rivals/shell.sh    prints name, bootstrap and versions
set -euo pipefail
. "$(dirname "$0")/lib.sh"

command -v curl >/dev/null || install_packages curl || skip "no curl"
to=$(make_folder shell)
cp "$root"/benches/rivals/shell/* "$to"
report_rival "shell tutorial" "$to/bootstrap" "bash ${BASH_VERSION%%(*}, $(curl --version | head -n 1 | cut -d' ' -f1,2)"
