#!/usr/bin/env bash
# Builds the static `bootstrap`, the `bootstrap` of one function, the tool, or the baseline of the benches.
#
#   scripts/build.sh [x86_64|aarch64|all] [--function NAME|DIR [--bin BINARY] | --tool | --baseline] [--unstripped]
#
# NAME is a folder of tests/functions, or FOLDER/BINARY where there are several, with the Cargo feature of
# that name if there is one; DIR is any package that depends on tinderbox. A package with several binaries
# needs --bin BINARY; the file is then in a folder of that name.
# Standard output has one line a binary: path, bytes, sha256, separated by tabs. Everything else goes
# to standard error. --unstripped also keeps the linked file with its symbols.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/toolchain.sh"

archs= function= binary= tool= baseline= unstripped=
while [ $# -gt 0 ]; do
    case $1 in
        x86_64 | aarch64) archs="$archs $1" ;;
        all) archs="x86_64 aarch64" ;;
        --function | --bin)
            [ $# -gt 1 ] || { say "build.sh: $1 needs a name"; exit 2; }
            [ "$1" = --function ] && function=$2 || binary=$2
            shift
            ;;
        --tool) tool=1 ;;
        --baseline) baseline=1 ;;
        --unstripped) unstripped=1 ;;
        *) say "build.sh: unknown argument '$1' (see the first lines of this script)"; exit 2 ;;
    esac
    shift
done
archs=${archs:-x86_64}
[ -z "$binary" ] || [ -n "$function" ] ||
    { say "build.sh: --bin needs --function: it names one of several binaries of a function's package"; exit 2; }

file=bootstrap
out=
what=(--bins)
if [ -n "$tool" ]; then
    package=$root
    file=tinderbox
    what=(--features tool --bin tinderbox)
elif [ -n "$baseline" ]; then
    package=$root/benches/baseline
    out=/baseline # where `tinderbox measure` looks for it, beside the tool
elif [ -z "$function" ]; then
    package=$root
    what=(--bin bootstrap)
elif [ -f "$root/tests/functions/$function/Cargo.toml" ]; then
    package=$root/tests/functions/$function
    out=/$function${binary:+/$binary}
    [ -z "$binary" ] || what=(--bin "$binary")
elif [ -f "$root/tests/functions/${function%/*}/Cargo.toml" ]; then
    package=$root/tests/functions/${function%/*}
    binary=${function#*/}
    what=(--bin "$binary")
    ! grep -q "^$binary = \[" "$package/Cargo.toml" || what+=(--features "$binary")
    out=/$function
elif [ -f "$function/Cargo.toml" ]; then
    package=$(cd "$function" && pwd)
    out=/$(basename "$package")${binary:+/$binary}
    [ -z "$binary" ] || what=(--bin "$binary")
else
    say "build.sh: no package '$function': neither tests/functions/$function nor a folder with a Cargo.toml"
    exit 2
fi

# shellcheck disable=SC2086
toolchain $archs
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTC_WRAPPER=$root/scripts/rustc.sh TINDERBOX_ROOT=$root TINDERBOX_PACKAGE=$package

# The linker script of a program that aborts on a panic. A package may have one of its own.
export TINDERBOX_LAYOUT=$root/scripts/discard.ld
[ ! -f "$package/link.ld" ] || TINDERBOX_LAYOUT=$package/link.ld

# Strips a static program: truncates the file after its last segment, and sets the number of sections in
# its header to 0. Code and data are in the segments; symbols and debug information follow them. (The
# offsets are those of an ELF64 header, elf(5).)
strip_program() {
    local file=$1 count end=0 at offset size
    number() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
    zeros() { head -c "$3" /dev/zero | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
    at=$(number "$file" 32 8)
    count=$(number "$file" 56 2)
    for ((; count > 0; count--, at += 56)); do
        offset=$(number "$file" $((at + 8)) 8)
        size=$(number "$file" $((at + 32)) 8)
        end=$((offset + size > end ? offset + size : end))
    done
    truncate -s "$end" "$file"
    zeros "$file" 40 8
    zeros "$file" 60 4
}

# One target folder per package: Cargo does not distinguish builds by --remap-path-prefix, so in one
# folder each build would overwrite the previous one.
for arch in $archs; do
    target=$arch-unknown-linux-musl
    flags="$FLAGS $(architecture_flags "$arch") $(start_files "$(libc_folder "$arch")") --remap-path-prefix=$root=/tinderbox
        --remap-path-prefix=$package=/function --remap-path-prefix=$cargo_home=/cargo -Cstrip=none"
    dir=$CARGO_TARGET_DIR/lambda/$arch$out
    messages=$(RUSTFLAGS="${flags//$'\n'/ }" "${CARGO[@]}" build "${BUILD_STD[@]}" --release \
        --target "$target" --manifest-path "$package/Cargo.toml" \
        --target-dir "$CARGO_TARGET_DIR/build/${package##*/}" "${what[@]}" --message-format json-render-diagnostics)
    built=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
    case $built in
        '') say "build.sh: $package has no binary"; exit 1 ;;
        *$'\n'*)
            say "build.sh: $package has several binaries: name one of them with --bin:"
            say "$(sed 's|.*/|  --bin |' <<<"$built")"
            exit 2
            ;;
    esac
    mkdir -p "$dir"
    [ -z "$unstripped" ] || cp "$built" "$dir/$file.unstripped"
    # Renamed into place: a running copy stays intact. $$ distinguishes two builds at the same time.
    cp "$built" "$dir/.new.$$"
    strip_program "$dir/.new.$$"
    mv "$dir/.new.$$" "$dir/$file"
    printf '%s\t%s\t%s\n' "$dir/$file" "$(stat -c %s "$dir/$file")" \
        "$(sha256sum <"$dir/$file" | cut -d' ' -f1)"
done
