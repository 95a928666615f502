#!/usr/bin/env bash
# Fills a folder, which becomes /opt, with Debian's PHP and everything that it needs: bin/php for the command
# line, bin/php-fpm for web applications, or both.
#
#   scripts/php.sh x86_64|aarch64 FOLDER cli|fpm|cli,fpm [EXTENSION ...]
#
# EXTENSION is the end of the name of a package php-EXTENSION: curl, mbstring, xml, ... The extensions of
# php-cli and php-common are always included, for php-fpm also opcache. apt downloads the packages, for either architecture; none is
# installed, and root is not needed. They are cached in target/debian, with apt's lists, for a day.
#
# The layout is Debian's, with /opt for /usr. Paths in programs are replaced in place by paths of the same
# length. Libraries and loader keep Debian's folder and are not in /opt/lib, which is in Lambda's
# LD_LIBRARY_PATH: no other program may find this libc. php finds them by its own DT_RPATH, which takes
# precedence over that variable (ld.so(8)).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
export LC_ALL=C # one order of names

fail() {
    say "php.sh: $*"
    exit 1
}

[ $# -ge 3 ] || { say "php.sh: needs an architecture, a folder and cli, fpm or cli,fpm"; exit 2; }
arch=$1
out=$2
case $3 in
    cli | fpm | cli,fpm) IFS=, read -ra sapis <<<"$3" ;; # PHP's word: Server API
    *) say "php.sh: unknown program '$3': cli, fpm or cli,fpm"; exit 2 ;;
esac
shift 3
case $arch in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) say "php.sh: unknown architecture '$arch': x86_64 or aarch64"; exit 2 ;;
esac
wanted=("${sapis[@]/#/php-}" ca-certificates)
for extension in "$@"; do
    [[ $extension =~ ^[a-z0-9][a-z0-9.+-]*$ ]] || fail "invalid name of an extension '$extension': expected a-z, 0-9, . + -"
    wanted+=("php-$extension")
done
for command in apt-get dpkg-deb; do
    command -v $command >/dev/null || fail "$command is missing: it downloads and unpacks Debian's packages of PHP"
done
command -v patchelf >/dev/null || install_packages patchelf ||
    fail "patchelf is missing, and the Debian package patchelf cannot be installed: install it by hand"

cache=${CARGO_TARGET_DIR:-$root/target}/debian/$arch
mkdir -p "$cache/lists/partial" "$cache/archives/partial"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec 9>"$cache/lock"
flock 9

# With this machine's sources, but separate lists, architecture and (empty) state: so apt names everything
# that php needs, down to its libc.
: >"$cache/status"
apt() {
    timeout 300 apt-get -qq -y --no-install-recommends -o APT::Architecture=$debian \
        -o APT::Architectures=$debian -o APT::Sandbox::User= -o Acquire::Retries=2 \
        -o Dir::State="$cache" -o Dir::State::lists="$cache/lists" \
        -o Dir::State::status="$cache/status" -o Dir::Cache="$cache" \
        -o Dir::Cache::archives="$cache/archives" "$@" 2>"$work/log"
}
last_error() { grep -m 1 '^E: ' "$work/log" || tail -n 1 "$work/log"; }
if [ -z "$(find "$cache" -maxdepth 1 -name updated -mtime -1)" ]; then
    # apt only warns when a list cannot be downloaded: then the old lists are used, and the next run retries.
    ! apt update >/dev/null || grep -q '^W: .*failed' "$work/log" || touch "$cache/updated"
fi
[ -n "$(find "$cache/lists" -name '*Packages*')" ] ||
    fail "Debian's lists of packages cannot be downloaded: $(last_error)"
apt --simulate install "${wanted[@]}" >"$work/plan" || fail "no packages ${wanted[*]}: $(last_error)"
apt --download-only install "${wanted[@]}" >/dev/null ||
    fail "packages cannot be downloaded: $(last_error)"

# Unpacks each package into a folder of its name.
packages=$work/packages
mkdir "$packages"
while read -r name version; do
    deb=$(find "$cache/archives" -name "${name}_${version//:/%3a}_*.deb")
    [ -f "$deb" ] || fail "apt has not downloaded $name $version, which its plan names"
    dpkg-deb -x "$deb" "$packages/$name"
    # Some packages have libraries in /lib, which is /usr/lib on Debian's systems.
    [ ! -d "$packages/$name/lib" ] || cp -a "$packages/$name/lib" "$packages/$name/usr/"
    echo "$name $version" >>"$work/versions"
done < <(sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1 \2/p' "$work/plan" | sort)
flock -u 9

# Copies a file or folder below /usr from the package that has it.
copy_from_package() {
    local found=("$packages"/*/usr/$1) # the path may be a pattern
    [ -e "${found[0]}" ] || fail "no downloaded package has /usr/$1"
    mkdir -p "$(dirname "$2")"
    cp -rL "${found[0]}" "$2"
    mark_used "${found[0]}"
}
mark_used() {
    local inside=${1#"$packages"/}
    echo "${inside%%/*}" >>"$work/used"
}
# Replaces a path in a file by another one of the same length.
replace_path() {
    [ ${#2} = ${#3} ] || fail "$2 and $3 differ in length"
    grep -qaF "$2" "$1" || fail "$1 does not contain the path $2"
    sed -i "s|${2//./\\.}|$3|g" "$1"
}

triplet=$arch-linux-gnu
lib=$out/lib/$triplet
declare -A debian_path=([cli]='bin/php[0-9]*' [fpm]='sbin/php-fpm[0-9]*') program=()
programs=()
for sapi in "${sapis[@]}"; do
    program[$sapi]=$out/bin/php
    [ $sapi = cli ] || program[$sapi]=$out/bin/php-$sapi
    copy_from_package "${debian_path[$sapi]}" "${program[$sapi]}"
    programs+=("${program[$sapi]}")
done
version=$(cd "$packages" && echo php*-common/usr/lib/php/[0-9].*)
version=${version##*/}

# Whether a PHP has this extension. php-cli depends on two more, which it has only where they are asked for:
# for its one run opcache has no effect, and readline has no terminal.
asked_for=" $* "
has_extension() {
    case $1,$2 in
        fpm,opcache) ;;
        *,opcache | *,readline) [[ $asked_for == *" $2 "* ]] ;;
    esac
}
# The extensions, each with its lines of configuration, in Debian's order.
for ini in "$packages"/*/usr/share/php*/*/*.ini "$packages"/*/etc/php/*/mods-available/*.ini; do
    name=$(basename "$ini" .ini)
    [ "$name" != '*' ] || continue # no file of that kind
    priority=$(sed -n '/^; *priority=/{s/[^0-9]*\([0-9]*\).*/\1/p;q}' "$ini")
    used=''
    for sapi in "${sapis[@]}"; do
        has_extension $sapi "$name" || continue
        mkdir -p "$out/etc/php/$sapi/conf.d"
        cp "$ini" "$out/etc/php/$sapi/conf.d/${priority:-20}-$name.ini"
        used=1
    done
    [ -n "$used" ] || continue
    object=$(sed -n '/^\(zend_\)\{0,1\}extension *=/{s/[^=]*= *\([A-Za-z0-9_]*\).*/\1/p;q}' "$ini")
    path=$(cd "$packages" && echo */usr/lib/php/2*/"$object.so")
    copy_from_package "${path#*/usr/}" "$out/${path#*/usr/}"
    programs+=("$out/${path#*/usr/}")
done

# The libraries that they are linked with. The gconv modules are iconv's, for more than UTF-8 and ASCII.
copy_from_package "lib/$triplet/gconv" "$lib/gconv"
programs+=("$lib"/gconv/*.so)
for ((at = 0; at < ${#programs[@]}; at++)); do
    for name in $(patchelf --print-needed "${programs[at]}"); do
        if ! [ -e "$lib/$name" ] && ! [ -e "$lib/gconv/$name" ]; then
            copy_from_package "lib/$triplet/$name" "$lib/$name"
            programs+=("$lib/$name")
        fi
    done
done

# libxml2 takes ICU for the few encodings that iconv does not know, such as x-sjis, and so needs its library of
# data: 31 MB, nearly half of the layer. Unless something else uses ICU, as intl does, the library stays without
# an entry in its table of contents, and ICU knows those encodings alone that need no data. The bytes behind
# the table are cut out of the segment that has them, by whole pages; the segments behind it keep their
# addresses (elf(5); ICU's udata.h and ucmndata.h).
empty_icu_data() {
    perl -e '
        use strict;
        my $file = shift;
        open my $in, "<:raw", $file or die "$file: $!\n";
        my $elf = do { local $/; <$in> };
        my $at = index($elf, "CmnD") - 12; # the header: size, magic number, details with this format
        $at >= 0 && substr($elf, $at + 2, 2) eq "\xda\x27" or die "$file has no data of ICU\n";
        substr($elf, $at + unpack("v", substr($elf, $at, 2)), 4) = pack("V", 0); # entries of the table
        my ($table, $count) = (unpack("Q<", substr($elf, 32, 8)), unpack("v", substr($elf, 56, 2)));
        my ($from, $cut) = ($at + 4096, 0);
        for my $place (map { $table + 56 * $_ } 0 .. $count - 1) { # in the order of their offsets
            my ($type, $flags, $offset, $address, $unused, $bytes, $memory, $align)
                = unpack("VVQ<Q<Q<Q<Q<Q<", substr($elf, $place, 56));
            if ($type == 1 && $offset <= $at && $at < $offset + $bytes) {
                $cut = int(($offset + $bytes - $from) / $align) * $align;
                substr($elf, $place + 32, 16) = pack("Q<Q<", $bytes - $cut, $bytes - $cut);
            } elsif ($offset >= $from) {
                substr($elf, $place + 8, 8) = pack("Q<", $offset - $cut);
            }
        }
        $cut > 0 or die "$file has no segment with the data\n";
        substr($elf, $from, $cut) = "";
        substr($elf, 40, 8) = pack("Q<", 0); # no section headers: they are for linkers and debuggers
        substr($elf, 60, 4) = pack("vv", 0, 0);
        open my $to, ">:raw", $file or die "$file: $!\n";
        print $to $elf;
        close $to or die "$file: $!\n";' "$1"
}
for file in "${programs[@]}"; do
    case $file in
        */libxml2.so* | */libicu*) ;;
        *) ! patchelf --print-needed "$file" | grep -q '^libicu' || uses_icu=1 ;;
    esac
done
[ -n "${uses_icu:-}" ] || [ ! -e "$(echo "$lib"/libicudata.so.*)" ] || empty_icu_data "$lib"/libicudata.so.*
copy_from_package share/zoneinfo "$out/share/zoneinfo"
rm -rf "$out"/share/zoneinfo/{localtime,posix,posixrules,right}
mkdir -p "$out/lib/ssl"
cat "$packages"/ca-certificates/usr/share/ca-certificates/mozilla/*.crt >"$out/lib/ssl/cert.pem"
mark_used "$packages/ca-certificates"

# The last component of a path stays: the linker merges strings with equal ends, as PHP_SAPI with this one.
slashes=/////////
loader=$(patchelf --print-interpreter "${programs[0]}")
for sapi in "${sapis[@]}"; do
    file=${program[$sapi]}
    configured=/etc/php/$version/$sapi
    replace_path "$file" "$configured" "/opt/etc/php${slashes:0:$((${#configured} - 15))}$sapi"
    replace_path "$file" /usr/lib/php /opt/lib/php
    replace_path "$file" /usr/share/php /opt/share/php
    replace_path "$file" /usr/share/zoneinfo /opt/share/zoneinfo
    patchelf --set-interpreter "/opt/lib/$triplet/${loader##*/}" \
        --force-rpath --set-rpath "/opt/lib/$triplet" "$file"
    chmod 755 "$file"
done
chmod 755 "$lib/${loader##*/}" # the kernel executes it, too
replace_path "$lib/libc.so.6" /usr/share/zoneinfo /opt/share/zoneinfo
for file in libc.so.6 gconv/gconv-modules.cache; do
    replace_path "$lib/$file" "/usr/lib/$triplet/gconv" "/opt/lib/$triplet/gconv"
done
replace_path "$lib/libcrypto.so.3" /usr/lib/ssl /opt/lib/ssl

for sapi in "${sapis[@]}"; do
    cat >"$out/etc/php/$sapi/php.ini" <<EOF
; PHP in AWS Lambda. What is not here has PHP's own default; /opt/etc/php/$sapi/conf.d has the extensions.
memory_limit = -1                       ; Lambda limits the memory
display_errors = Off                    ; standard output may be the response
log_errors = On                         ; on standard error, which is the log
zend.exception_ignore_args = On         ; arguments may be secrets
variables_order = EGPCS                 ; a function has its settings in the environment: \$_ENV
session.save_path = /tmp                ; all that can be written to
curl.cainfo = /opt/lib/ssl/cert.pem     ; OpenSSL finds it by itself
EOF
done
[[ " ${sapis[*]} " != *" fpm "* ]] || cat >>"$out/etc/php/fpm/php.ini" <<'EOF'
post_max_size = 8M                      ; an event is at most 6 MB
upload_max_filesize = 8M                ; the default of 2M drops larger files without an error
opcache.validate_timestamps = 0         ; the function's files never change
EOF

# Copyright, version and license of each package.
mkdir -p "$out/share/doc"
while read -r name; do
    from=$packages/$name/usr/share/doc/$name
    # The folder may be a link to that of another package.
    [ ! -L "$from" ] || from=$(echo "$packages"/*/usr/share/doc/"$(basename "$(readlink "$from")")")
    mkdir "$out/share/doc/$name"
    cp "$from/copyright" "$out/share/doc/$name/"
    grep "^$name " "$work/versions"
done < <(sort -u "$work/used") >"$out/share/doc/packages"
