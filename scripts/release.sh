#!/usr/bin/env bash
# Fills a folder with the files of a release page. The same tree, the same compiler and the same Debian
# packages give the same bytes.
#
#   scripts/release.sh [FOLDER]      default: target/release-page; it must be empty, or not exist
#
#   bootstrap-ARCH tinderbox-ARCH    the binaries
#   function-ARCH.zip                a function that answers with its event: handler hello
#   layer-ARCH.zip                   bootstrap alone, as a layer
#   layer-php-ARCH.zip               the same with Debian's PHP
#   Containerfile README.md          an image from scratch, and instructions
#   SHA256SUMS                       of all other files
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
umask 022

fail() {
    say "release.sh: $*"
    exit 1
}
[ $# -le 1 ] || { say "release.sh: unexpected argument '$2'"; exit 2; }
folder=${1:-${CARGO_TARGET_DIR:-$root/target}/release-page}
[ ! -e "$folder" ] || [ -z "$(find "$folder" -maxdepth 0 ! -empty)" ] ||
    fail "$folder is not empty: remove it first"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs another script, which prints one line; shows its messages only when it fails.
quietly() { "$@" >"$work/line" 2>"$work/log" || { cat "$work/log" >&2; fail "$1 failed: see the messages above"; }; }

mkdir "$work/function"
printf '#!/bin/sh\ncat\n' >"$work/function/hello"
chmod 755 "$work/function/hello"
for arch in x86_64 aarch64; do
    quietly "$root/scripts/build.sh" $arch --tool
    install -m 755 "$(cut -f1 "$work/line")" "$folder/tinderbox-$arch"
    quietly "$root/scripts/build.sh" $arch
    install -m 755 "$(cut -f1 "$work/line")" "$folder/bootstrap-$arch"
    package() {
        quietly "$root/scripts/package.sh" "$@" --arch $arch --bootstrap "$folder/bootstrap-$arch"
    }
    package function "$work/function" --out "$folder/function-$arch.zip"
    package layer --out "$folder/layer-$arch.zip"
    package layer --php --out "$folder/layer-php-$arch.zip"
done

cat >"$folder/Containerfile" <<'END'
# An image of an AWS Lambda function with nothing but a layer of tinderbox and the function.
FROM scratch
COPY opt/ /opt/
COPY function/ /var/task/
WORKDIR /var/task
ENV PATH=/opt/bin LAMBDA_TASK_ROOT=/var/task
# Lambda sets this variable for a zip, but not for an image.
ENV _HANDLER=hello
ENTRYPOINT ["/opt/bootstrap"]
END

cat >"$folder/README.md" <<'END'
# tinderbox: files of this release

For each of Lambda's architectures, `x86_64` and `aarch64` (which Lambda calls `arm64`):

| file | |
|---|---|
| `bootstrap-ARCH` | the runtime: copy it as `bootstrap` beside your program, mode 755 |
| `function-ARCH.zip` | a complete function: runtime `provided.al2023`, handler `hello`; it echoes its event |
| `layer-ARCH.zip` | a layer: `/opt/bootstrap` |
| `layer-php-ARCH.zip` | the same with Debian's PHP, `/opt/bin/php`; the licenses are in `/opt/share/doc` |
| `tinderbox-ARCH` | the tool for a workstation: a local Lambda, and a client for it |

`sha256sum -c SHA256SUMS` checks them.

## An image from scratch

`Containerfile` puts a layer and a function into an image, and nothing else: no shell, and no libc except
theirs. So the function is a static program, or PHP with the layer for it. In this folder:

```sh
unzip layer-x86_64.zip -d opt              # or layer-php-x86_64.zip
mkdir function && cp YOUR-PROGRAM function/hello
docker build -f Containerfile -t hello .
```

To try it without Lambda, unpack `opt` and `function` as above, and:

```sh
./tinderbox-x86_64 run opt/bootstrap --task-root function --handler hello --once '{"say":"hello"}'
```
END

(cd "$folder" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort |
    xargs -d '\n' sha256sum >SHA256SUMS)
printf '%s\n' "$folder"
