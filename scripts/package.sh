#!/usr/bin/env bash
# Makes the zip of a function or of a layer, or the folder that such a zip would unpack to.
#
#   scripts/package.sh function DIR [--no-bootstrap] [OPTIONS]
#   scripts/package.sh layer [--with PROGRAM ...] [--php [--with-php-extension NAME ...]] [OPTIONS]
#
#   --arch x86_64|aarch64    what it is for: x86_64
#   --bootstrap FILE         the bootstrap: else the one that scripts/build.sh makes
#   --out FILE               the zip: else NAME.zip in target/lambda/ARCH, NAME being that of DIR, or layer
#   --folder FOLDER          no zip, but its content, for tools that make the zip themselves
#
# A function is DIR, all but .git, and bootstrap where DIR has none; --no-bootstrap leaves it to a layer.
# A layer is /opt: bootstrap, each PROGRAM in bin, and with --php Debian's PHP (see scripts/php.sh).
# Links become what they lead to.
# What would not run there is refused, with one line and exit 1. The same input gives the same bytes.
# Standard output has one line: path, bytes, sha256, separated by tabs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
export LC_ALL=C TZ=UTC
umask 022
unset ZIPOPT ZIP UNZIP

BYTES_MAX=262144000 # 250 MB: a function and its layers, unzipped
GLIBC_MINOR=34      # provided.al2023 has glibc 2.34

usage() {
    say "package.sh: $* (see the first lines of this script)"
    exit 2
}
refuse() {
    say "package.sh: $*"
    exit 1
}

arch=x86_64 kind=${1:-} own=1 level=9
dir='' bootstrap='' out='' folder='' php=''
programs=() extensions=()
case $kind in
    function)
        [ $# -gt 1 ] || usage "function needs a folder"
        dir=$2
        shift 2
        ;;
    layer) shift ;;
    *) usage "function or layer?" ;;
esac
while [ $# -gt 0 ]; do
    case $kind,$1 in
        *,--arch | *,--bootstrap | *,--out | *,--folder | layer,--with | layer,--with-php-extension)
            [ $# -gt 1 ] || usage "$1 needs a value"
            ;;&
        *,--arch) arch=$2 && shift ;;
        *,--bootstrap) bootstrap=$2 && shift ;;
        *,--out) out=$2 && shift ;;
        *,--folder) folder=$2 && shift ;;
        layer,--with) programs+=("$2") && shift ;;
        layer,--with-php-extension) extensions+=("$2") && shift ;;
        layer,--php) php=1 level=6 ;; # 9 takes three times as long, for 0.6 % less
        function,--no-bootstrap) own='' ;;
        *) usage "unknown argument '$1'" ;;
    esac
    shift
done
case $arch in
    x86_64) machine=62 loader=/lib64/ld-linux-x86-64.so.2 ;;
    aarch64 | arm64) arch=aarch64 machine=183 loader=/lib/ld-linux-aarch64.so.1 ;;
    *) usage "unknown architecture '$arch'" ;;
esac
[ -n "$php" ] || [ ${#extensions[@]} = 0 ] || usage "--with-php-extension goes with --php"
[ -z "$out" ] || [ -z "$folder" ] || usage "--out or --folder?"

# The fields of an ELF64 header, and of its program headers: elf(5).
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
starts_with() { cmp -s -n "${#2}" "$1" <(printf '%s' "$2"); }
is_elf() { starts_with "$1" $'\x7fELF'; }
# The loader that a program wants; nothing for a static one.
interpreter() {
    local at count
    at=$(number "$1" 32 8)
    count=$(number "$1" 56 2)
    [ "$count" -le 1170 ] || return 1 # the kernel reads no more than 64 KiB of them
    for ((; count > 0; count--, at += 56)); do
        if [ "$(number "$1" "$at" 4)" = 3 ]; then
            dd if="$1" bs=1 skip="$(number "$1" $((at + 8)) 8)" status=none \
                count="$(number "$1" $((at + 32)) 8)" | tr -d '\0'
            return
        fi
    done
}

# Refuses a file that the kernel could not execute there. What is "alone" wants no loader.
check_program() {
    local file=$1 alone=${2:-} wants minor
    if starts_with "$file" '#!'; then
        ! head -n 1 "$file" | grep -q $'\r$' ||
            refuse "$file: the first line ends in CR LF, and so does the name of its interpreter"
        return
    fi
    is_elf "$file" || refuse "$file is neither a program (ELF) nor a script (#!)"
    [ "$(stat -L -c %s "$file")" -ge 64 ] && starts_with "$file" $'\x7fELF\x02\x01' ||
        refuse "$file is no program of 64 bits"
    [ "$(number "$file" 18 2)" = "$machine" ] || refuse "$file is not for $arch"
    wants=$(interpreter "$file" 2>/dev/null) || refuse "$file is not a whole file"
    [ -n "$wants" ] || return 0
    [ -z "$alone" ] ||
        refuse "$file is linked dynamically, against $wants: link it statically, as scripts/build.sh does"
    case $wants in /opt/* | /var/task/*) return ;; esac
    [ "$wants" = "$loader" ] || refuse "$file wants $wants, which is not there: link it statically"
    minor=$({ grep -aoE 'GLIBC_2\.[0-9]+' "$file" || true; } | cut -d. -f2 | sort -n | tail -n 1)
    [ "${minor:-0}" -le $GLIBC_MINOR ] ||
        refuse "$file wants glibc 2.$minor, provided.al2023 has 2.$GLIBC_MINOR: link it statically"
}
check_executable() {
    [ -f "$1" ] || refuse "no file $1"
    [ -x "$1" ] || refuse "$1 has no exec bit: chmod +x"
    check_program "$@"
}

# find in a folder, by names from there; links are what they lead to. Without what is git's.
within() {
    local folder=$1
    shift
    (cd "$folder" && find -L . -mindepth 1 -path ./.git -prune -o "$@")
}
check_bytes() {
    local bytes
    bytes=$(within "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.0f", sum }')
    [ "$bytes" -le $BYTES_MAX ] ||
        refuse "$bytes bytes unzipped: a function and its layers have at most $BYTES_MAX"
}
check_function() {
    local file
    file=$(within "$dir" ! -type f ! -type d -print -quit 2>"$work/log") ||
        refuse "in $dir: $(head -n 1 "$work/log")"
    [ -z "$file" ] || refuse "$dir/${file#./} is neither a file nor a folder, nor a link to one"
    check_bytes "$dir"
    # Where programs lie. Deeper there may be those of other systems, which some package brought.
    for file in "$dir"/* "$dir"/bin/*; do
        if ! [ -f "$file" ] || [ "$file" = "$dir/bootstrap" ]; then
            continue
        elif is_elf "$file"; then
            check_program "$file"
            # A library has neither a fixed address nor a loader: it needs no exec bit.
            [ "$(number "$file" 16 2)" != 2 ] && [ -z "$(interpreter "$file")" ] || check_executable "$file"
        elif starts_with "$file" '#!'; then
            # With a dot in its name it may be for an interpreter, which reads it.
            [[ ${file##*/} == *.* ]] && [ ! -x "$file" ] || check_executable "$file"
        fi
    done
    [ -z "$own" ] || [ ! -e "$dir/bootstrap" ] || return 0
    file=$(within "$dir" -type f \( -perm /111 -o -name '*.sh' -o -name '*.php' -o -name '*.[cm]js' \
        -o -name '*.js' -o -name '*.py' -o -name '*.rb' \) -print -quit)
    [ -n "$file" ] ||
        refuse "$dir has nothing to run: no bootstrap, no executable file, no sh, PHP, Node, Python or Ruby"
}

[ -z "$folder" ] || [ ! -e "$folder" ] || [ -z "$(find "$folder" -maxdepth 0 ! -empty)" ] ||
    refuse "$folder is not empty: remove it before"
work=$(mktemp -d)
stage=$work/stage
mkdir "$stage"
new=''
trap 'rm -rf "$work" ${new:+"$new"}' EXIT
host() {
    [ -n "$bootstrap" ] || bootstrap=$("$root/scripts/build.sh" "$arch" 2>"$work/log" | cut -f1) ||
        { cat "$work/log" >&2; exit 1; }
    check_executable "$bootstrap" alone
    cp "$bootstrap" "$stage/bootstrap"
}
if [ "$kind" = function ]; then
    [ -d "$dir" ] || refuse "no folder $dir"
    dir=$(realpath "$dir")
    name=${dir##*/}
    [ -z "$bootstrap" ] || [ ! -e "$dir/bootstrap" ] || refuse "$dir has a bootstrap of its own"
    [ -n "$own" ] || [ ! -e "$dir/bootstrap" ] ||
        refuse "$dir/bootstrap would come before that of the layer: remove it, or leave out --no-bootstrap"
    check_function
    [ ! -e "$dir/bootstrap" ] || check_executable "$dir/bootstrap" alone
    cp -rL "$dir/." "$stage"
    rm -rf "$stage/.git"
    [ -z "$own" ] || [ -e "$dir/bootstrap" ] || host
else
    name=layer${php:+-php}
    for program in "${programs[@]}"; do
        check_executable "$program"
        mkdir -p "$stage/bin"
        [ ! -e "$stage/bin/${program##*/}" ] || refuse "two programs are named ${program##*/}"
        cp "$program" "$stage/bin/"
    done
    [ -z "$php" ] || [ ! -e "$stage/bin/php" ] || refuse "two programs are named php"
    host
    [ -z "$php" ] || "$root/scripts/php.sh" "$arch" "$stage" "${extensions[@]}"
fi

# A zip that was made here before is not of the function.
out=$(realpath -m "${out:-${CARGO_TARGET_DIR:-$root/target}/lambda/$arch/$name.zip}")
[ "$kind" = layer ] || [ "${out#"$dir"/}" = "$out" ] || rm -f "$stage/${out#"$dir"/}"
file=$(within "$stage" \( -name '*[^ -~]*' -o -name '*\\*' \) -print -quit)
[ -z "$file" ] ||
    refuse "$(printf %q "${file#./}") has more than printable ASCII, which a zip has no sure way to name"
check_bytes "$stage"
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f -perm /111 -exec chmod 755 {} +
find "$stage" -type f ! -perm /111 -exec chmod 644 {} +
find "$stage" -exec touch -d 1980-01-01T00:00:00Z {} + # where the time of a zip begins

if [ -n "$folder" ]; then
    mkdir -p "$folder"
    cp -a "$stage/." "$folder"
    printf '%s\n' "$folder"
    exit
fi
command -v zip >/dev/null || install_packages zip ||
    refuse "no zip here, and the package zip cannot be installed"
mkdir -p "${out%/*}"
new=$out.$$.zip
(cd "$stage" && find . -mindepth 1 -printf '%P\n' | sort | zip -q -$level -X "$new" -@)
mv "$new" "$out"
printf '%s\t%s\t%s\n' "$out" "$(stat -c %s "$out")" "$(sha256sum <"$out" | cut -d' ' -f1)"
