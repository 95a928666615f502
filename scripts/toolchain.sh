# Finds or installs the compiler and the musl targets; sourced by the other scripts.
#
#   toolchain x86_64 aarch64    sets CARGO and BUILD_STD (arrays), FLAGS (for RUSTFLAGS), ROUTE;
#                               returns 1 when no toolchain is available
#
# Route "rustup": rustup's stable toolchain with its precompiled targets; it includes rust-lld, so no
# cross compiler is needed. Sizes are recorded for PINNED; another stable works, with other bytes.
# Route "debian": where rustup's server cannot be reached, Debian 12's rustc-web with the library
# built from source. The route is printed on standard error.

PINNED=1.95.0

say() { printf '%s\n' "$*" >&2; }

# Runs a command as root, or through sudo where that needs no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

# Installs Debian packages, quietly, where this machine allows it.
install_packages() {
    command -v apt-get >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=2 update >/dev/null 2>&1
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y --no-install-recommends install "$@" >/dev/null 2>&1
}

# Static and at a fixed address; one segment to read and execute, one to read and write. A jump table is
# larger than the comparisons that it replaces. Without a red zone below the stack, a small number is
# loaded into a register by a push and a pop, 3 bytes; a function that uses the zone needs 10.
link_flags="-Cllvm-args=-min-jump-table-entries=100 -Crelocation-model=static -Clinker-flavor=ld.lld -Clink-arg=-znoseparate-code
-Clink-arg=--no-rosegment -Clink-arg=-zmax-page-size=4096 -Clink-arg=--build-id=none
-Clink-arg=-znorelro -Clink-self-contained=no -Cno-redzone"

# The flags of one architecture. By default an atomic exchange for aarch64 is a call that checks which
# instructions the processor has: 1,160 bytes of each program, most of them run before main, which a
# program without C's start-up code skips. rustc warns that the flag is not stable.
architecture_flags() {
    [ "$1" != aarch64 ] || printf -- '-Ctarget-feature=-outline-atomics'
}

# C's start-up file and libc.a, from a folder. The file is linked like a member of a library: a program
# with an entry point of its own does not include it. crti.o and crtn.o are omitted: they begin and end
# the functions _init and _fini, which .init_array has replaced; libc.a has empty ones.
start_files() {
    printf -- '-L%s -Clink-arg=--start-lib -Clink-arg=%s/crt1.o -Clink-arg=--end-lib' "$1" "$1"
}

route_rustup() {
    command -v rustup >/dev/null || return 1
    local targets=() arch name=stable
    for arch in "$@"; do targets+=("$arch-unknown-linux-musl"); done
    if ! rustc +stable --version 2>/dev/null | grep -q "^rustc $PINNED "; then
        if rustc "+$PINNED" --version >/dev/null 2>&1 ||
            timeout 300 rustup -q toolchain install "$PINNED" --profile minimal \
                -c clippy -c rustfmt >/dev/null 2>&1; then
            name=$PINNED
        fi
    fi
    rustc "+$name" --version >/dev/null 2>&1 || return 1
    local missing=() target
    for target in "${targets[@]}"; do
        rustup target list --toolchain "$name" --installed 2>/dev/null | grep -qx "$target" ||
            missing+=("$target")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        timeout 300 rustup -q target add --toolchain "$name" "${missing[@]}" >/dev/null 2>&1 || return 1
    fi
    CARGO=(cargo "+$name")
    FLAGS="-Clinker=rust-lld $link_flags"
    BUILD_STD=()
    RUSTC_VERSION=$(rustc "+$name" --version)
    ROUTE=rustup
}

route_debian() {
    local arch
    if ! [ -x /usr/bin/cargo ] || ! [ -d /usr/lib/x86_64-linux-musl ] || ! command -v ld.lld >/dev/null; then
        install_packages rustc-web cargo-web rust-web-src lld musl-dev || return 1
    fi
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] || return 1
    RUSTC_VERSION=$(/usr/bin/rustc --version)
    CARGO=(env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc /usr/bin/cargo)
    FLAGS="-Clinker=ld.lld $link_flags"
    BUILD_STD=(-Zbuild-std=core)
    ROUTE=debian
    for arch in "$@"; do
        libc_folder "$arch" >/dev/null || return 1
    done
}

# The folder with musl's libc.a and start files for an architecture.
libc_folder() {
    local arch=$1 cache
    if [ "$ROUTE" = rustup ]; then
        echo "$("${CARGO[@]/#cargo/rustc}" --print target-libdir --target "$arch-unknown-linux-musl")/self-contained"
        return
    fi
    if [ "$arch" = x86_64 ]; then
        echo /usr/lib/x86_64-linux-musl
        return
    fi
    # Debian's package for the other architecture, unpacked and not installed.
    cache=$root/target/debian-musl/$arch
    if ! [ -f "$cache/usr/lib/$arch-linux-musl/libc.a" ]; then
        mkdir -p "$cache"
        as_root dpkg --add-architecture arm64 && as_root apt-get -qq update >/dev/null 2>&1
        (cd "$cache" && apt-get -qq download musl-dev:arm64 >/dev/null 2>&1 &&
            dpkg-deb -x musl-dev_*_arm64.deb .) || return 1
    fi
    echo "$cache/usr/lib/$arch-linux-musl"
}

toolchain() {
    if route_rustup "$@"; then
        :
    elif route_debian "$@"; then
        :
    else
        say "toolchain: neither rustup's musl targets nor Debian's rustc-web, lld and musl-dev can be installed."
        say "  Install rustup, then run 'rustup target add x86_64-unknown-linux-musl'."
        return 1
    fi
    say "toolchain: $ROUTE, $RUSTC_VERSION"
}
