# What the recipes of the rivals share; sourced by them.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/scripts/toolchain.sh"
target=${CARGO_TARGET_DIR:-$root/target}

# No rival takes longer to install or to build, in seconds.
PATIENCE_S=600

# Ends a recipe: what it is for cannot be had here, and why.
skip() {
    printf 'skipped: %s\n' "$*"
    exit 3
}

# An empty folder for a rival.
folder() {
    mkdir -p "$target/rivals/$1"
    echo "$target/rivals/$1"
}

# Says where a rival is: its name, its bootstrap, and what it is.
had() {
    chmod +x "$2"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3"
}
