# Functions of the recipes of the rivals; sourced by them.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/scripts/toolchain.sh"
target=${CARGO_TARGET_DIR:-$root/target}

# Timeout of an install or a build, in seconds.
BUILD_TIMEOUT_S=600

# Ends a recipe whose rival is not available here, with the reason.
skip() {
    printf 'skipped: %s\n' "$*"
    exit 3
}

# Makes and prints the folder of a rival.
make_folder() {
    mkdir -p "$target/rivals/$1"
    echo "$target/rivals/$1"
}

# Prints the line of a rival: its name, its bootstrap, and versions.
report_rival() {
    chmod +x "$2"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3"
}
