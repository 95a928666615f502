#!/usr/bin/env bash
# A runtime in PHP: a loop around its extension curl, in words of our own.
#
#   benches/rivals/php.sh    prints name, bootstrap and what it is
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ command -v php && php -r 'exit(extension_loaded("curl") ? 0 : 1);'; } >/dev/null ||
    install_packages php-cli php-curl || skip "no php with its extension curl"
to=$(folder php)
cp "$root"/benches/rivals/php/* "$to"
had "php curl loop" "$to/bootstrap" "php $(php -r 'echo PHP_VERSION;'), a loop around its curl"
