#!/usr/bin/env bash
# Measures a function on Lambda itself, by the AWS CLI: forces cold starts, and prints what Lambda
# reports of them, for `tinderbox report`.
#
#   scripts/measure-on-lambda.sh FUNCTION [--zip FILE] [--starts N] [--warm M] [--payload FILE] >LOG
#
#   --zip FILE      is deployed first
#   --starts N      cold starts (10)
#   --warm M        warm invocations behind each (5)
#   --payload FILE  the event ({})
#
# A cold start is forced by a change of the configuration: an environment variable that counts up. All
# others stay as they are, and it is gone at the end, also when this is interrupted. Standard output has
# Lambda's own lines alone (START, REPORT, INIT_REPORT, or platform events in JSON), nothing that the
# function has logged. Needs credentials that may get, update and invoke the function; it costs what
# N x (1 + M) invocations cost. Exit 1: the CLI failed, or a start was not cold.
set -euo pipefail

say() { printf 'measure-on-lambda.sh: %s\n' "$*" >&2; }
usage() { say "$1 (see the first lines of this script)"; exit 2; }

function='' zip='' payload='' starts=10 warm=5
while [ $# -gt 0 ]; do
    case $1 in
        --zip | --starts | --warm | --payload)
            [ $# -gt 1 ] || usage "$1 needs a value"
            case $1 in
                --zip) zip=$2 ;;
                --starts) starts=$2 ;;
                --warm) warm=$2 ;;
                --payload) payload=$2 ;;
            esac
            shift
            ;;
        -*) usage "unknown option '$1'" ;;
        *)
            [ -z "$function" ] || usage "'$1' is one argument too many"
            function=$1
            ;;
    esac
    shift
done
[ -n "$function" ] || usage "name a function"
[[ $starts =~ ^[1-9][0-9]{0,3}$ ]] || usage "--starts '$starts' is not a number from 1 to 9999"
[[ $warm =~ ^[0-9]{1,4}$ ]] || usage "--warm '$warm' is not a number from 0 to 9999"
for file in "$zip" "$payload"; do
    [ -z "$file" ] || [ -r "$file" ] || { say "there is no file '$file'"; exit 2; }
done
command -v aws >/dev/null || { say "there is no AWS CLI, 'aws', on this machine"; exit 2; }

# Environment variables can be secret: they go by files that only we can read, not by arguments.
folder=$(mktemp -d)
changed=''
restore() {
    code=$?
    trap - EXIT
    if [ -n "$changed" ]; then
        configure "$folder/before" || say "the variable TINDERBOX_COLD_START is still in '$function'"
    fi
    rm -rf "$folder"
    exit "$code"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

settled() { aws lambda wait function-updated-v2 --function-name "$function"; }

configure() {
    aws lambda update-function-configuration --function-name "$function" \
        --environment "file://$1" --output text --query LastUpdateStatus >/dev/null && settled
}

# The environment as it is, with this one variable besides, if any.
environment() {
    aws lambda get-function-configuration --function-name "$function" --output json \
        --query "{Variables: merge(Environment.Variables || \`{}\`, \`$1\`)}"
}

# One invocation; Lambda's lines of the log's end, which comes along in base64.
invoke() {
    local answer
    answer=$(aws lambda invoke --function-name "$function" --payload "fileb://$payload" \
        --log-type Tail --output text --query '[FunctionError, LogResult]' /dev/null)
    case $answer in
        None*) ;;
        *) say "an invocation failed: ${answer%%$'\t'*}" ;;
    esac
    base64 -d <<<"${answer##*$'\t'}" |
        grep -E '^(START|REPORT) RequestId: |^INIT_REPORT |"type":"platform\.(start|report|initReport)"' || true
}

if [ -z "$payload" ]; then
    payload=$folder/payload
    printf '{}' >"$payload"
fi
if [ -n "$zip" ]; then
    aws lambda update-function-code --function-name "$function" --zip-file "fileb://$zip" \
        --output text --query LastUpdateStatus >/dev/null
    settled
fi
unreadable=$(aws lambda get-function-configuration --function-name "$function" --output text \
    --query Environment.Error.ErrorCode)
[ "$unreadable" = None ] || { say "the variables of '$function' cannot be read: $unreadable"; exit 1; }
environment '{}' >"$folder/before"

cold=0
for ((start = 1; start <= starts; start++)); do
    environment "{\"TINDERBOX_COLD_START\": \"$start\"}" >"$folder/now"
    changed=1
    configure "$folder/now"
    invoke >"$folder/log"
    cat "$folder/log"
    if grep -Eq 'Init Duration: |"initDurationMs"|Restore Duration: |"restoreDurationMs"' "$folder/log"; then
        cold=$((cold + 1))
    fi
    for ((again = 0; again < warm; again++)); do invoke; done
done
[ "$cold" = "$starts" ] || { say "of $starts starts $cold were cold"; exit 1; }
