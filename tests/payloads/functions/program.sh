# Echoes events; "repeat N TEXT" gives the text repeated to N characters, with its quotes.
event=$(cat; echo .)
event=${event%.}
case $event in
\"repeat\ *) ;;
*)
    printf '%s' "$event"
    exit
    ;;
esac
size=${event#* }
text=${size#* }
text=${text%\"}
size=${size%% *}
while [ ${#text} -lt "$size" ]; do text=$text$text; done
printf "\"%.${size}s\"" "$text"
