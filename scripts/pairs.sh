# The pairs of our binaries and their rivals; sourced by scripts/bench.sh and scripts/figures.sh.
#
# Language, name of ours in the record, name of the rival in the record, and the rival as the table and
# the picture call it.
PAIRS="Rust|echo|official crate (fastest)|the official crate
shell|bootstrap shell|shell tutorial|AWS's tutorial
PHP|bootstrap php|php curl loop|a curl loop
Node|bootstrap node|aws node client|AWS's client
Python|bootstrap python|aws python client|AWS's client"
