# Answers each event with itself.
handler() {
    printf '%s' "$1"
}
