# Echoes events; "repeat N TEXT" gives the text repeated to N characters, with its quotes.
handler() {
    case $1 in
    \"repeat\ *) ;;
    *)
        printf '%s' "$1"
        return
        ;;
    esac
    size=${1#* }
    text=${size#* }
    text=${text%\"}
    size=${size%% *}
    while [ ${#text} -lt "$size" ]; do text=$text$text; done
    printf "\"%.${size}s\"" "$text"
}
