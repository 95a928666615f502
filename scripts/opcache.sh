#!/usr/bin/env bash
# Compiles the PHP files of a function into an opcache file cache, which is added to the function:
# .tinderbox/opcache/BUILD-ID/var/task/FILE.bin. A framework's first page then reads what PHP would compile.
#
#   scripts/opcache.sh x86_64|aarch64 LAYER|system FOLDER
#
# LAYER is a folder or a zip with bin/php-fpm, which becomes /opt; "system" is this machine's php-fpm. A cache
# is valid for one build of PHP, which BUILD-ID names (32 hex digits), and for the absolute paths of its files.
# So that php-fpm compiles it, in a root directory where FOLDER is /var/task: by namespaces of unshare(1), as
# root or where the kernel lets other users make them.
#
# Standard error has one line: the number of files, and that of files which do not compile, such as
# templates for other versions of PHP. They are compiled at run time, as without a cache.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
export LC_ALL=C

fail() {
    say "opcache.sh: $*"
    exit 1
}

# php-fpm answers one request for each file: a fatal error ends a request, and no more. Reads the names of
# files, prints those that do not compile. perl is on every machine with git or Debian; bash has no sockets
# of files.
compile_files() {
    perl -e '
        use strict; use IO::Socket::UNIX;
        my $failed = 0;
        sub record { pack("CCnnCC", 1, $_[0], 1, length $_[1], 0, 0) . $_[1] }
        sub pair { pack("NN", map { length($_) | 1 << 31 } @_) . join "", @_ }
        while (my $file = <STDIN>) {
            chomp $file;
            my $parameters = pair("SCRIPT_FILENAME", "/tmp/compile.php") . pair("REQUEST_METHOD", "GET")
                . pair("COMPILED", $file);
            my $socket = IO::Socket::UNIX->new(Peer => "socket") or die "cannot connect to php-fpm: $!\n";
            # Begin as a responder that closes; parameters; no input.
            print $socket record(1, "\0\1\0\0\0\0\0\0"), record(4, $parameters), record(4, ""), record(5, "");
            $socket->flush;
            my $answer = do { local $/; <$socket> } // "";
            print "$file\n" unless $answer =~ /compiled as asked/;
        }'
}

# Within the namespaces, in which everything ends with this shell.
if [ "$1" = --inside ]; then
    place=$2 layer=$3 folder=$4 program=$5
    mount --bind "$folder" "$place/var/task"
    mount --rbind /dev "$place/dev"
    if [ "$layer" != system ]; then
        mount --bind "$layer" "$place/opt"
    else
        for name in usr lib lib64 bin sbin etc; do
            if [ -L "/$name" ]; then
                cp -P "/$name" "$place/"
            elif [ -d "/$name" ]; then
                mkdir "$place/$name"
                mount --rbind "/$name" "$place/$name"
            fi
        done
    fi
    runner=()
    [ ! -e "$place/qemu" ] || runner=(/qemu)
    # The limits are high, since what does not fit into memory is not written either.
    chroot "$place" "${runner[@]}" "$program" -F -O -R -y /tmp/php-fpm.conf -d opcache.enable=1 \
        -d opcache.file_cache=/tmp/cache -d opcache.file_update_protection=0 -d opcache.validate_timestamps=0 \
        -d opcache.memory_consumption=1024 -d opcache.interned_strings_buffer=128 \
        -d opcache.max_accelerated_files=1000000 -d opcache.max_file_size=0 -d memory_limit=-1 \
        -d max_execution_time=0 -d auto_prepend_file= -d auto_append_file= \
        <"$place/dev/null" >"$place/tmp/log" 2>&1 &
    for ((naps = 0; naps < 600; naps++)); do # a minute
        [ ! -S "$place/tmp/socket" ] || break
        kill -0 $! 2>/dev/null || exit 1
        sleep 0.1
    done
    cd "$place/tmp" # a path of a socket is at most 107 bytes long: unix(7)
    compile_files <files >failed
    exit
fi

[ $# = 3 ] || { say "opcache.sh: needs an architecture, a layer or the word system, and a folder"; exit 2; }
arch=$1 layer=$2 folder=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
place=$work/root
mkdir -p "$place"/{tmp/cache,dev,opt,var/task}
program=/opt/bin/php-fpm
if [ "$layer" = system ]; then
    program=$(PATH=$PATH:/usr/sbin:/usr/local/sbin compgen -c | grep -xE 'php-fpm[0-9.]*' | sort | head -n 1) ||
        fail "this machine has no php-fpm: install the package php-fpm, or name a layer"
    program=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$program")
    [ "$arch" = "$(uname -m)" ] || fail "this machine's php-fpm is not for $arch: name a layer"
elif [ -d "$layer" ]; then
    layer=$(realpath "$layer")
else
    [ -f "$layer" ] || fail "no layer $layer"
    command -v unzip >/dev/null || install_packages unzip ||
        fail "unzip is missing, and the Debian package unzip cannot be installed: install it by hand"
    unzip -q "$layer" -d "$work/opt" || fail "$layer is not a zip"
    layer=$work/opt
fi
[ "$layer" = system ] || [ -x "$layer$program" ] || [ -x "$layer/bin/php-fpm" ] ||
    fail "$2 has no bin/php-fpm: make it with 'package.sh layer --php-fpm'"
if [ "$arch" != "$(uname -m)" ]; then
    qemu=$(command -v "qemu-$arch-static") || install_packages qemu-user-static &&
        qemu=$(command -v "qemu-$arch-static") ||
        fail "php-fpm for $arch needs qemu-$arch-static here: install the package qemu-user-static"
    cp "$qemu" "$place/qemu"
fi

cat >"$place/tmp/php-fpm.conf" <<'EOS'
[global]
error_log = /dev/null
daemonize = no
[w]
listen = /tmp/socket
pm = static
pm.max_children = 1
catch_workers_output = yes
EOS
cat >"$place/tmp/compile.php" <<'EOS'
<?php
if (opcache_compile_file($_SERVER['COMPILED'])) echo 'compiled as asked';
EOS
rm -rf "$folder/.tinderbox/opcache"
(cd "$folder" && find . -type f \( -name '*.php' -o -name '*.inc' -o -name '*.phtml' \) -printf '/var/task/%P\n') |
    sort >"$place/tmp/files"
count=$(wc -l <"$place/tmp/files")
[ "$count" != 0 ] || fail "$folder has no PHP files to compile"
find "$folder" -exec touch -d 1980-01-01T00:00:00Z {} + # as in the zip: a cached file has its source's time

user=()
[ "$(id -u)" = 0 ] || user=(--map-root-user)
unshare "${user[@]}" --mount --pid --fork --kill-child true 2>"$work/log" ||
    fail "no namespaces here, which --opcache needs (run it as root): $(head -n 1 "$work/log")"
unshare "${user[@]}" --mount --pid --fork --kill-child \
    "$BASH" "$0" --inside "$place" "$layer" "$folder" "$program" 2>"$work/log" ||
    fail "php-fpm does not compile the files: $(cat "$work/log" "$place/tmp/log" 2>/dev/null | tail -n 1)"
built=("$place"/tmp/cache/*)
[ ${#built[@]} = 1 ] && [[ ${built[0]##*/} =~ ^[0-9a-f]{32}$ ]] && [ -d "${built[0]}/var/task" ] ||
    fail "php-fpm has written no cache: $(tail -n 1 "$place/tmp/log")"
to=$folder/.tinderbox/opcache/${built[0]##*/}
mkdir -p "$to/var"
cp -r "${built[0]}/var/task" "$to/var/"
say "opcache: $count files, $(wc -l <"$place/tmp/failed") of them do not compile"
