#!/usr/bin/env bash
# Fills a folder with what a release page offers. The same tree, the same compiler and the same packages
# of Debian give the same bytes.
#
#   scripts/release.sh [FOLDER]      target/release-page; it must be empty, or not there
#
#   bootstrap-ARCH tinderbox-ARCH    the files themselves
#   function-ARCH.zip                a function that answers with its event: handler hello
#   layer-ARCH.zip                   bootstrap alone, as a layer
#   layer-php-ARCH.zip               the same with Debian's PHP
#   Containerfile README.md          an image from nothing, and how
#   SHA256SUMS                       of all the others
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"
umask 022

fail() {
    say "release.sh: $*"
    exit 1
}
[ $# -le 1 ] || { say "release.sh: one folder, or none"; exit 2; }
folder=${1:-${CARGO_TARGET_DIR:-$root/target}/release-page}
[ ! -e "$folder" ] || [ -z "$(find "$folder" -maxdepth 0 ! -empty)" ] ||
    fail "$folder is not empty: remove it before"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One line of another script; what it says is shown when it fails.
quietly() { "$@" >"$work/line" 2>"$work/log" || { cat "$work/log" >&2; fail "$1 failed, see above"; }; }

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
# A function of AWS Lambda as an image that holds nothing but a layer of tinderbox and the function.
FROM scratch
COPY opt/ /opt/
COPY function/ /var/task/
WORKDIR /var/task
ENV PATH=/opt/bin LAMBDA_TASK_ROOT=/var/task
# Lambda sets this one for a zip, and not for an image.
ENV _HANDLER=hello
ENTRYPOINT ["/opt/bootstrap"]
END

cat >"$folder/README.md" <<'END'
# What is here

For each of Lambda's architectures, `x86_64` and `aarch64` (which Lambda calls `arm64`):

| file | |
|---|---|
| `bootstrap-ARCH` | the runtime: copy it as `bootstrap` beside your program, mode 755 |
| `function-ARCH.zip` | a whole function: runtime `provided.al2023`, handler `hello`; it answers with its event |
| `layer-ARCH.zip` | a layer: `/opt/bootstrap` |
| `layer-php-ARCH.zip` | the same with Debian's PHP, `/opt/bin/php`; `/opt/share/doc` says whose work is in it |
| `tinderbox-ARCH` | the tool for your desk: a local Lambda, and a caller for it |

`sha256sum -c SHA256SUMS` checks them.

## An image from nothing

`Containerfile` puts a layer and a function into an image, and nothing else: no shell, no libc but what
they bring. So the function is a static program, or PHP with the layer for it. In this folder:

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
