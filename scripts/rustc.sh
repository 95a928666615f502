#!/usr/bin/env bash
# The rustc wrapper (RUSTC_WRAPPER) of scripts/build.sh. It changes two things in what Cargo passes:
#
# 1. Metadata. Cargo hashes the folder of a path dependency into the names of its symbols, and so into
#    their order. Packages of this repository, and the function that is built, are identified by name
#    and version alone, so that two clones in different folders give the same bytes.
# 2. Layout. A program that aborts on a panic needs no unwind tables: they are dropped by the linker
#    script TINDERBOX_LAYOUT. Whether it aborts is in the arguments: Cargo has resolved the profile by
#    then, from manifest, configuration files and environment.
set -eu
arguments=() previous='' is_program='' is_for_lambda='' aborts=''
for argument in "$@"; do
    case $previous,$argument in
        -C,metadata=*)
            case ${CARGO_MANIFEST_DIR:-}/ in
                "$TINDERBOX_ROOT"/* | "$TINDERBOX_PACKAGE"/*)
                    argument=metadata=$CARGO_CRATE_NAME-$CARGO_PKG_VERSION
                    ;;
            esac
            ;;
        -C,panic=abort) aborts=1 ;;
        --crate-type,bin) is_program=1 ;;
        --target,*-linux-musl) is_for_lambda=1 ;; # not a build script, which runs here
    esac
    previous=$argument
    arguments+=("$argument")
done
if [ "$is_program$is_for_lambda$aborts" = 111 ]; then
    arguments+=(-Clink-arg=--no-eh-frame-hdr "-Clink-arg=-T$TINDERBOX_LAYOUT")
fi
exec "${arguments[@]}"
