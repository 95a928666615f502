#!/usr/bin/env bash
# Installs the libraries of tests/libraries.rs in target/libraries: packages of Node by npm, of Python by
# pip, with the versions of tests/libraries/packages; libraries of Ruby and PHP by Debian. By Debian, too,
# the servers, applications and the browser of tests/web/servers.rs and tests/web/browser.rs. What is
# installed already stays. On failure: a line on standard error for each part that is missing, whose tests
# print a skip then, and exit 1. Each step has a timeout of ten minutes.
#
#   scripts/libraries.sh    under two minutes
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

packages=$root/tests/libraries/packages
folder=$root/target/libraries
mkdir -p "$folder"
status=0
fail() {
    say "libraries.sh: $*"
    status=1
}

# Runs an install in a new folder, which becomes NAME when it is whole. The stamp is what it was made from.
install() {
    local name=$1 stamp=$2
    [ "$(cat "$folder/$name/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
    rm -rf "$folder/$name" "$folder/$name.new"
    mkdir "$folder/$name.new"
    "install_$name" "$folder/$name.new" >"$folder/$name.log" 2>&1 ||
        { say "libraries.sh: $name: $(grep -i error "$folder/$name.log" | tail -n 1)"; return 1; }
    echo "$stamp" >"$folder/$name.new/.stamp"
    mv "$folder/$name.new" "$folder/$name"
}
hash() { cat "$@" | sha256sum | cut -d' ' -f1; }

# No package runs a script of its own: all that is needed comes built.
install_node() {
    cp "$packages/package.json" "$packages/package-lock.json" "$1"
    (cd "$1" && timeout 600 npm ci --omit=dev --ignore-scripts --no-audit --no-fund)
}
# The lock file has all dependencies; Python must not compile them at the first import.
install_python() {
    timeout 600 python3 -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
        --target "$1" -r "$packages/requirements.txt"
}
# Composer's autoloader for the function php_composer, which needs no package.
install_composer() {
    cp -R "$root/tests/libraries/functions/php_composer/." "$1" &&
        COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_DISABLE_NETWORK=1 timeout 600 \
            composer dump-autoload --no-interaction --working-dir "$1"
}

debian=()
need() { [ -e "$1" ] || command -v "$1" >/dev/null || debian+=("$2"); }
need node nodejs
need npm npm
need python3 python3
python3 -m pip --version >/dev/null 2>&1 || debian+=(python3-pip)
need ruby ruby
need php php-cli
need composer composer
need /usr/share/php/Symfony/Component/Console/autoload.php php-symfony-console
need /usr/share/doc/ruby-activesupport ruby-activesupport
need /usr/share/doc/ruby-sinatra ruby-sinatra
need /usr/share/php/Symfony/Component/HttpFoundation/autoload.php php-symfony-http-foundation
need /usr/share/php/Symfony/Component/Routing/autoload.php php-symfony-routing
need /usr/share/php/Symfony/Component/EventDispatcher/autoload.php php-symfony-event-dispatcher
need /usr/share/php/Illuminate/Foundation/Application.php php-laravel-framework
site=/usr/lib/python3/dist-packages # of Debian's Python, which runs the servers
need $site/flask python3-flask
need $site/fastapi python3-fastapi
need $site/uvicorn python3-uvicorn
need $site/gunicorn gunicorn
need $site/waitress python3-waitress
need $site/hypercorn python3-hypercorn
need /usr/sbin/nginx nginx-light
need /usr/share/doc/php-fpm php-fpm
need /usr/share/doc/php-sqlite3 php-sqlite3
need /usr/share/doc/php-xml php-xml
need /usr/share/doc/php-gd php-gd
need /usr/share/adminer/adminer.php adminer
need /usr/share/dokuwiki/doku.php dokuwiki
need chromium-headless-shell chromium-headless-shell
if [ ${#debian[@]} -gt 0 ]; then
    install_packages "${debian[@]}" || fail "cannot install Debian's packages ${debian[*]}"
fi

install node "$(hash "$packages/package-lock.json") $(node --version)" &
node=$!
install python "$(hash "$packages/requirements.txt") $(python3 --version)" || status=1
if command -v composer >/dev/null; then
    install composer "$(hash "$root"/tests/libraries/functions/php_composer/composer.json) $(php -v | head -n 1)" ||
        status=1
else
    fail "no composer"
fi
wait $node || status=1
exit $status
