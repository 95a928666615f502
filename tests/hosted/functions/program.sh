# A program with the same commands: the function of the shells, run once for each event.
event=$(cat; echo .)
root=${0%/*}
. "$root/function.sh"
set -eu
handler "${event%.}"
