# The function of the tests in shell, for the runtime of AWS's tutorial: its event is JSON text.
handler() {
    case $1 in
        *'"do":"exit"'*) return 7 ;;
        *'"do":"kill"'*) kill -9 $$ ;;
        *'"do":"sleep"'*) sleep 60 ;;
        *'"do":"log"'*) echo "a line of the shell" >&2 ;;
    esac
    printf '%s' "$1"
}
