# The shell function with the commands that the tests send to every kind. Commands are JSON strings
# like "do:fail a reason"; every other event is echoed. The tests put the first line before it.
case ${INIT-} in
?*)
    echo 'at init' >&2
    exit 5
    ;;
esac

handler() {
    case $1 in
    \"do:*) ;;
    *)
        printf '%s' "$1"
        return
        ;;
    esac
    request=${1#\"do:}
    request=${request%\"}
    argument=${request#* }
    case ${request%% *} in
    fail)
        echo "$argument" >&2
        return 1
        ;;
    exit) exit "$argument" ;;
    killed)
        echo 'before the end' >&2
        kill -9 $$
        sleep 30
        ;;
    orphan)
        sleep 30 &
        kill -9 $$
        sleep 30
        ;;
    sleep)
        echo 'sleeps' >&2
        sleep "$argument"
        printf '"slept"'
        ;;
    big)
        printf '"'
        head -c "$argument" /dev/zero | tr '\0' x
        printf '"'
        ;;
    flood)
        head -c "$argument" /dev/zero | tr '\0' l >&2
        printf '"flooded"'
        ;;
    later)
        (
            sleep 0.2
            head -c "$argument" /dev/zero | tr '\0' l >&2
            echo over >&2
        ) &
        printf '"later"'
        ;;
    background)
        sleep 30 &
        printf '"left"'
        ;;
    log)
        printf '%s\n' "$argument" "$argument, again" >&2
        printf '"logged"'
        ;;
    pid) printf '"%s"' $$ ;;
    trace) printf '"%s"' "${_X_AMZN_TRACE_ID-unset}" ;;
    context)
        now=$(date +%s%3N)
        in_time=no
        [ "${LAMBDA_DEADLINE_MS:-0}" -gt "$now" ] && in_time=yes
        printf '"%s|%s|%s|%s|%s"' "${LAMBDA_REQUEST_ID--}" "${LAMBDA_FUNCTION_ARN--}" \
            "${LAMBDA_TRACE_ID--}" "${LAMBDA_TENANT_ID--}" $in_time
        ;;
    client) printf '[%s,%s]' "${LAMBDA_CLIENT_CONTEXT-null}" "${LAMBDA_COGNITO_IDENTITY-null}" ;;
    *) return 9 ;;
    esac
}
