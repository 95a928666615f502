#!/usr/bin/env bash
# Stands before rustc (RUSTC_WRAPPER), so that two clones in different folders give the same bytes:
# cargo hashes the folder of a path dependency into the names of its symbols, and so into their order.
# Packages of this repository, and the function in hand, are told apart by name and version alone.
set -eu
arguments=()
for argument in "$@"; do
    case $argument in
        metadata=*)
            case ${CARGO_MANIFEST_DIR:-}/ in
                "$TINDERBOX_ROOT"/* | "$TINDERBOX_PACKAGE"/*)
                    argument=metadata=$CARGO_CRATE_NAME-$CARGO_PKG_VERSION
                    ;;
            esac
            ;;
    esac
    arguments+=("$argument")
done
exec "${arguments[@]}"
