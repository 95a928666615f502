#!/usr/bin/env bash
# Makes the zip of a function or of a layer, or a folder with the content of that zip.
#
#   scripts/package.sh function DIR [--no-bootstrap] [--opcache LAYER|system] [OPTIONS]
#   scripts/package.sh layer [--with PROGRAM ...] [--php] [--php-fpm] [--with-php-extension NAME ...] [OPTIONS]
#
#   --arch x86_64|aarch64    the architecture: x86_64
#   --bootstrap FILE         the bootstrap; default: the one that scripts/build.sh builds
#   --out FILE               the zip; default: target/lambda/ARCH/NAME.zip, NAME being that of DIR, or layer
#   --folder FOLDER          writes the content, not a zip, for tools that make the zip themselves
#
# A function is DIR without .git; bootstrap is added where DIR has none, and with --no-bootstrap comes from
# a layer. --opcache adds its PHP files in compiled form (scripts/opcache.sh), for the php-fpm of a layer (a
# zip or a folder), or for that of this machine. A layer is /opt: bootstrap, each PROGRAM in bin, and
# Debian's PHP (scripts/php.sh): with --php for functions and the command line, with --php-fpm for web
# applications.
# Symbolic links are followed. A file that could not run on Lambda is refused with one line and exit
# status 1. The same input gives the same bytes, but for --opcache: PHP's cache has addresses in it.
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
dir='' bootstrap='' out='' folder='' opcache=''
programs=() extensions=() sapis=()
case $kind in
    function)
        [ $# -gt 1 ] || usage "missing folder of the function"
        dir=$2
        shift 2
        ;;
    layer) shift ;;
    *) usage "missing command: function or layer" ;;
esac
while [ $# -gt 0 ]; do
    case $kind,$1 in
        *,--arch | *,--bootstrap | *,--out | *,--folder | layer,--with | layer,--with-php-extension | \
            function,--opcache)
            [ $# -gt 1 ] || usage "$1 needs a value"
            ;;&
        *,--arch) arch=$2 && shift ;;
        *,--bootstrap) bootstrap=$2 && shift ;;
        *,--out) out=$2 && shift ;;
        *,--folder) folder=$2 && shift ;;
        layer,--with) programs+=("$2") && shift ;;
        layer,--with-php-extension) extensions+=("$2") && shift ;;
        layer,--php) sapis+=(cli) ;;
        layer,--php-fpm) sapis+=(fpm) ;;
        function,--no-bootstrap) own='' ;;
        function,--opcache) opcache=$2 && shift ;;
        *) usage "unknown argument '$1'" ;;
    esac
    shift
done
case $arch in
    x86_64) machine=62 loader=/lib64/ld-linux-x86-64.so.2 ;;
    aarch64 | arm64) arch=aarch64 machine=183 loader=/lib/ld-linux-aarch64.so.1 ;;
    *) usage "unknown architecture '$arch'" ;;
esac
[ ${#sapis[@]} = 0 ] || level=6 # 9 takes three times as long, for 0.6 % less
[ ${#sapis[@]} != 0 ] || [ ${#extensions[@]} = 0 ] || usage "--with-php-extension needs --php or --php-fpm"
[ -z "$out" ] || [ -z "$folder" ] || usage "--out and --folder exclude each other"

# The fields of an ELF64 header, and of its program headers: elf(5).
number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
starts_with() { cmp -s -n "${#2}" "$1" <(printf '%s' "$2"); }
is_elf() { starts_with "$1" $'\x7fELF'; }
# Prints the dynamic loader that a program needs; nothing for a static one.
interpreter() {
    local at count
    at=$(number "$1" 32 8)
    count=$(number "$1" 56 2)
    [ "$count" -le 1170 ] || return 1 # the kernel reads at most 64 KiB of them
    for ((; count > 0; count--, at += 56)); do
        if [ "$(number "$1" "$at" 4)" = 3 ]; then
            dd if="$1" bs=1 skip="$(number "$1" $((at + 8)) 8)" status=none \
                count="$(number "$1" $((at + 32)) 8)" | tr -d '\0'
            return
        fi
    done
}

# Refuses a file that the kernel could not execute there; with "static" also a dynamic program.
check_program() {
    local file=$1 must_be_static=${2:-} loader_of minor
    if starts_with "$file" '#!'; then
        ! head -n 1 "$file" | grep -q $'\r$' ||
            refuse "$file: the first line ends in CR LF, which makes the CR part of the interpreter's name: use LF"
        return
    fi
    is_elf "$file" || refuse "$file is neither a program (ELF) nor a script (#!)"
    [ "$(stat -L -c %s "$file")" -ge 64 ] && starts_with "$file" $'\x7fELF\x02\x01' ||
        refuse "$file is not a 64-bit program"
    [ "$(number "$file" 18 2)" = "$machine" ] || refuse "$file is not for $arch"
    loader_of=$(interpreter "$file" 2>/dev/null) || refuse "$file is truncated: its ELF headers point behind its end"
    [ -n "$loader_of" ] || return 0
    [ -z "$must_be_static" ] ||
        refuse "$file is linked dynamically, against $loader_of: link it statically, as scripts/build.sh does"
    case $loader_of in /opt/* | /var/task/*) return ;; esac
    [ "$loader_of" = "$loader" ] ||
        refuse "$file needs $loader_of, which Lambda does not have: link it statically"
    minor=$({ grep -aoE 'GLIBC_2\.[0-9]+' "$file" || true; } | cut -d. -f2 | sort -n | tail -n 1)
    [ "${minor:-0}" -le $GLIBC_MINOR ] ||
        refuse "$file needs glibc 2.$minor, provided.al2023 has 2.$GLIBC_MINOR: link it statically"
}
check_executable() {
    [ -f "$1" ] || refuse "no file $1"
    [ -x "$1" ] || refuse "$1 has no exec bit: chmod +x"
    check_program "$@"
}

# find in a folder, with relative names; follows links, omits .git.
within() {
    local folder=$1
    shift
    (cd "$folder" && find -L . -mindepth 1 -path ./.git -prune -o "$@")
}
check_bytes() {
    local bytes
    bytes=$(within "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.0f", sum }')
    [ "$bytes" -le $BYTES_MAX ] ||
        refuse "$bytes bytes unzipped: Lambda allows $BYTES_MAX for a function and its layers"
}
check_function() {
    local file
    file=$(within "$dir" ! -type f ! -type d -print -quit 2>"$work/log") ||
        refuse "in $dir: $(head -n 1 "$work/log")"
    [ -z "$file" ] || refuse "$dir/${file#./} is neither a file nor a folder, nor a link to one"
    check_bytes "$dir"
    # The folders for programs. Packages may have programs for other systems in deeper folders.
    for file in "$dir"/* "$dir"/bin/*; do
        if ! [ -f "$file" ] || [ "$file" = "$dir/bootstrap" ]; then
            continue
        elif is_elf "$file"; then
            check_program "$file"
            # A library has neither a fixed address nor a loader, and needs no exec bit.
            [ "$(number "$file" 16 2)" != 2 ] && [ -z "$(interpreter "$file")" ] || check_executable "$file"
        elif starts_with "$file" '#!'; then
            # A script with a dot in its name may be the input of an interpreter, which needs no exec bit.
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
    refuse "$folder is not empty: remove it first"
work=$(mktemp -d)
stage=$work/stage
mkdir "$stage"
new=''
trap 'rm -rf "$work" ${new:+"$new"}' EXIT
add_bootstrap() {
    [ -n "$bootstrap" ] || bootstrap=$("$root/scripts/build.sh" "$arch" 2>"$work/log" | cut -f1) ||
        { cat "$work/log" >&2; exit 1; }
    check_executable "$bootstrap" static
    cp "$bootstrap" "$stage/bootstrap"
}
if [ "$kind" = function ]; then
    [ -d "$dir" ] || refuse "no folder $dir"
    dir=$(realpath "$dir")
    name=${dir##*/}
    [ -z "$bootstrap" ] || [ ! -e "$dir/bootstrap" ] || refuse "$dir has a bootstrap of its own"
    [ -n "$own" ] || [ ! -e "$dir/bootstrap" ] ||
        refuse "$dir/bootstrap would take precedence over that of the layer: remove it, or omit --no-bootstrap"
    check_function
    [ ! -e "$dir/bootstrap" ] || check_executable "$dir/bootstrap" static
    cp -rL "$dir/." "$stage"
    rm -rf "$stage/.git"
    [ -z "$own" ] || [ -e "$dir/bootstrap" ] || add_bootstrap
    [ -z "$opcache" ] || "$root/scripts/opcache.sh" "$arch" "$opcache" "$stage"
else
    php=$(printf '%s\n' "${sapis[@]}" | sort -u | paste -s -d,)
    case $php in
        '') name=layer ;;
        cli) name=layer-php ;;
        fpm) name=layer-php-fpm ;;
        *) name=layer-php-all ;;
    esac
    for program in "${programs[@]}"; do
        check_executable "$program"
        mkdir -p "$stage/bin"
        [ ! -e "$stage/bin/${program##*/}" ] || refuse "two programs are named ${program##*/}"
        cp "$program" "$stage/bin/"
    done
    [[ $php != cli* ]] || [ ! -e "$stage/bin/php" ] || refuse "two programs are named php"
    [[ $php != *fpm ]] || [ ! -e "$stage/bin/php-fpm" ] || refuse "two programs are named php-fpm"
    add_bootstrap
    [ -z "$php" ] || "$root/scripts/php.sh" "$arch" "$stage" "$php" "${extensions[@]}"
fi

# A zip from an earlier run is not part of the function.
out=$(realpath -m "${out:-${CARGO_TARGET_DIR:-$root/target}/lambda/$arch/$name.zip}")
[ "$kind" = layer ] || [ "${out#"$dir"/}" = "$out" ] || rm -f "$stage/${out#"$dir"/}"
file=$(within "$stage" \( -name '*[^ -~]*' -o -name '*\\*' \) -print -quit)
[ -z "$file" ] ||
    refuse "$(printf %q "${file#./}") has other than printable ASCII, which a zip cannot encode portably: rename it"
check_bytes "$stage"
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f -perm /111 -exec chmod 755 {} +
find "$stage" -type f ! -perm /111 -exec chmod 644 {} +
find "$stage" -exec touch -d 1980-01-01T00:00:00Z {} + # the earliest time of a zip

if [ -n "$folder" ]; then
    mkdir -p "$folder"
    cp -a "$stage/." "$folder"
    printf '%s\n' "$folder"
    exit
fi
command -v zip >/dev/null || install_packages zip ||
    refuse "zip is missing, and the Debian package zip cannot be installed: install it by hand"
mkdir -p "${out%/*}"
new=$out.$$.zip
(cd "$stage" && find . -mindepth 1 -printf '%P\n' | sort | zip -q -$level -X "$new" -@)
mv "$new" "$out"
printf '%s\t%s\t%s\n' "$out" "$(stat -c %s "$out")" "$(sha256sum <"$out" | cut -d' ' -f1)"
