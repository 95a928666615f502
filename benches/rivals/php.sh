#!/usr/bin/env bash
# A runtime in PHP: a loop around its extension curl.
#
#   benches/rivals/php.sh    prints name, bootstrap and versions
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ command -v php && php -r 'exit(extension_loaded("curl") ? 0 : 1);'; } >/dev/null ||
    install_packages php-cli php-curl || skip "no php with its extension curl"
to=$(make_folder php)
cp "$root"/benches/rivals/php/* "$to"
report_rival "php curl loop" "$to/bootstrap" "php $(php -r 'echo PHP_VERSION;'), a loop around its curl"
