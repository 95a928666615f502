#!/usr/bin/env bash
# Measures a function on Lambda itself, with the AWS CLI: forces cold starts, and prints Lambda's reports
# of them, for `tinderbox report`.
#
#   scripts/measure-on-lambda.sh FUNCTION [--zip FILE] [--starts N] [--warm M] [--payload FILE] >LOG
#
#   --zip FILE      deploys this zip first
#   --starts N      cold starts (10)
#   --warm M        warm invocations after each (5)
#   --payload FILE  the event ({})
#
# A cold start is forced by a change of the configuration: an environment variable that counts up. The
# other variables are unchanged, and this one is removed at the end, also after an interrupt. Standard
# output has only Lambda's own lines (START, REPORT, INIT_REPORT, or platform events in JSON), not those
# that the function has logged. Needs credentials that may get, update and invoke the function; the cost
# is that of N x (1 + M) invocations. Exit status 1: the CLI failed, or a start was not cold.
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
            [ -z "$function" ] || usage "unexpected argument '$1'"
            function=$1
            ;;
    esac
    shift
done
[ -n "$function" ] || usage "missing argument FUNCTION"
[[ $starts =~ ^[1-9][0-9]{0,3}$ ]] || usage "invalid --starts '$starts': expected a number from 1 to 9999"
[[ $warm =~ ^[0-9]{1,4}$ ]] || usage "invalid --warm '$warm': expected a number from 0 to 9999"
for file in "$zip" "$payload"; do
    [ -z "$file" ] || [ -r "$file" ] || { say "cannot read the file '$file'"; exit 2; }
done
command -v aws >/dev/null || { say "the AWS CLI, 'aws', is not installed"; exit 2; }

# Environment variables can be secrets: they are passed in files that only this user can read.
folder=$(mktemp -d)
changed=''
restore() {
    code=$?
    trap - EXIT
    if [ -n "$changed" ]; then
        configure "$folder/before" || say "cannot restore the environment of '$function': remove its variable TINDERBOX_COLD_START"
    fi
    rm -rf "$folder"
    exit "$code"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

wait_updated() { aws lambda wait function-updated-v2 --function-name "$function"; }

configure() {
    aws lambda update-function-configuration --function-name "$function" \
        --environment "file://$1" --output text --query LastUpdateStatus >/dev/null && wait_updated
}

# Prints the current environment, with the variables of a JSON object added.
environment() {
    aws lambda get-function-configuration --function-name "$function" --output json \
        --query "{Variables: merge(Environment.Variables || \`{}\`, \`$1\`)}"
}

# Invokes the function once; prints Lambda's own lines of the log tail, which the answer has in base64.
invoke() {
    local answer
    answer=$(aws lambda invoke --function-name "$function" --payload "fileb://$payload" \
        --log-type Tail --output text --query '[FunctionError, LogResult]' /dev/null)
    case $answer in
        None*) ;;
        *) say "function error: ${answer%%$'\t'*}" ;;
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
    wait_updated
fi
unreadable=$(aws lambda get-function-configuration --function-name "$function" --output text \
    --query Environment.Error.ErrorCode)
[ "$unreadable" = None ] || { say "cannot read the environment variables of '$function': $unreadable"; exit 1; }
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
[ "$cold" = "$starts" ] || { say "only $cold of $starts starts were cold"; exit 1; }
