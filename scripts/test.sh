#!/usr/bin/env bash
# Everything that has to hold, with all the set-up that it needs. See README, "How to work on it".
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --check
cargo clippy --all-targets -- -D warnings
cargo test
scripts/build.sh all
