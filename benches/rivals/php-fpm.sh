#!/usr/bin/env bash
# php-fpm driven by a PHP process: a stand-in for Bref's runtime for web applications.
#
#   benches/rivals/php-fpm.sh    prints name, bootstrap and versions
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PATH=$PATH:/usr/sbin
find_fpm() { compgen -c php-fpm | sort | head -n 1 | grep .; }
{ command -v php && php -r 'exit(extension_loaded("curl") ? 0 : 1);' && find_fpm; } >/dev/null ||
    install_packages php-cli php-curl php-fpm || skip "no php with its extension curl, or no php-fpm"
to=$(make_folder php-fpm)
cp "$root"/benches/rivals/php-fpm/* "$to"
ln -sf "$(command -v "$(find_fpm)")" "$to/php-fpm"
report_rival "php driver of php-fpm" "$to/bootstrap" "php $(php -r 'echo PHP_VERSION;'), its curl, its php-fpm"
