#!/usr/bin/env bash
# A stand-in for `gcloud`, to be put on the PATH by this name: it remembers what was made, and what was asked of it.
#
# It keeps both in the folder that STANDIN names: `calls`, one on each line, and `there`, what there is. What is there
# cannot be made again, and what is not there cannot be changed, as with the real one. The file `refused` has a letter
# for each time that it still refuses to change rights, `forbidden` words of commands that it never allows.
set -euo pipefail

fail() {
    echo "ERROR: (gcloud) $1" >&2
    exit 1
}

is_there() {
    grep -qxF -- "$thing" "$STANDIN/there"
}

touch "$STANDIN"/{there,refused,forbidden}
{
    printf '%q ' "$@"
    echo
} >> "$STANDIN/calls"

words=()
for word in "$@"; do
    [[ $word == --* ]] || words+=("$word")
done
forbidden=$(< "$STANDIN/forbidden")
[[ ! $forbidden || ${words[*]} != *$forbidden* ]] || fail 'PERMISSION_DENIED: you may not do that'
name=${words[-1]} verb=${words[-2]}
thing="${words[*]:0:${#words[@]}-2} ${name%@*}"

case ${words[*]} in
    'projects describe'*) echo 123456789012 ;;
    'services enable'* | 'beta services identity create') ;;
    *' create '*)
        ! is_there || fail "ALREADY_EXISTS: there is $thing"
        echo "$thing" >> "$STANDIN/there"
        ;;
    *)
        is_there || [[ $thing == artifacts* ]] || fail "NOT_FOUND: there is no $thing"
        refused=$(< "$STANDIN/refused")
        if [[ $verb == add-iam-policy-binding && $refused ]]; then
            echo "${refused:1}" > "$STANDIN/refused"
            fail 'INVALID_ARGUMENT: there is no such service account'
        fi
        ;;
esac
