#!/usr/bin/env bash
# A fake of the AWS CLI: stores a function's environment in files of the folder STAND_IN and answers as
# the CLI does with --output text and --query. `calls` logs its arguments, `environments` the function's
# environments; `is_cold` exists after a change of the environment until the next invocation. Tests
# create `never_cold`, `error` and `breaks`.
set -euo pipefail
cd "$STAND_IN"
printf '%s\n' "$*" >>calls
value() { # of the option $1 in the other arguments
    local name=$1
    shift
    while [ "$1" != "$name" ]; do shift; done
    printf '%s' "$2"
}
[ "$1" = lambda ]
[ "$(value --function-name "$@")" = shout ] || { echo "ResourceNotFoundException" >&2; exit 254; }
case $2 in
    get-function-configuration)
        query=$(value --query "$@")
        case $query in
            Environment.Error.ErrorCode) echo None ;;
            *'`{}`, `{"TINDERBOX_COLD_START": "'*)
                number=${query##*: \"}
                printf '{"Variables": {"SECRET": "preserved", "TINDERBOX_COLD_START": "%s"}}' "${number%%\"*}" ;;
            *) printf '{"Variables": {"SECRET": "preserved"}}' ;;
        esac
        ;;
    update-function-configuration)
        file=$(value --environment "$@")
        cat "${file#file://}" >>environments
        echo >>environments
        [ -e never_cold ] || touch is_cold
        echo InProgress
        ;;
    update-function-code) echo InProgress ;;
    wait) [ "$3" = function-updated-v2 ] ;;
    invoke)
        [ ! -e breaks ] || { echo "Could not connect to the endpoint URL" >&2; exit 255; }
        file=$(value --payload "$@")
        cat "${file#fileb://}" >>payloads
        init=
        [ ! -e is_cold ] || init=$'\tInit Duration: 13.50 ms'
        rm -f is_cold
        id=$RANDOM$RANDOM
        log="START RequestId: $id Version: \$LATEST
a secret of the function
REPORT RequestId: $id	Duration: 1.50 ms	Billed Duration: 2 ms	Memory Size: 128 MB	Max Memory Used: 15 MB$init	"
        printf '%s\t%s\n' "$(cat error 2>/dev/null || echo None)" "$(base64 -w 0 <<<"$log")"
        ;;
    *) echo "no such command: $2" >&2; exit 252 ;;
esac
