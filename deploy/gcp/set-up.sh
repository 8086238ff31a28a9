#!/usr/bin/env bash
# Makes what the updater needs of Google Cloud. Run it again whenever you like: what is there is brought into line.
set -euo pipefail

usage() {
    cat << 'END'
usage: set-up.sh --project PROJECT --repository LOCATION/NAME [options]

  --project PROJECT             the project of the registry, of the topics and of the service accounts
  --repository LOCATION/NAME    the Artifact Registry repository with the images, for instance us/models
  --push URL                    let Pub/Sub push to https://HOST/hooks/pubsub, instead of being pulled from
  --workload-identity NS/NAME   the Kubernetes service account that may be the updater, for instance updater/updater
  --dry-run                     print the commands, and do nothing; nothing is asked of Google Cloud either
END
}

fail() {
    echo "error: $1" >&2
    usage >&2
    exit 2
}

project='' repository='' push='' identity='' dry_run=''
while (($#)); do
    case $1 in
        --project | --repository | --push | --workload-identity)
            (($# > 1)) || fail "$1 needs a value"
            case $1 in
                --project) project=$2 ;;
                --repository) repository=$2 ;;
                --push) push=$2 ;;
                --workload-identity) identity=$2 ;;
            esac
            shift 2
            ;;
        --dry-run) dry_run=yes && shift ;;
        -h | --help) usage && exit 0 ;;
        *) fail "there is no option $1" ;;
    esac
done
[[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || fail 'give the id of the project with --project'
[[ $repository =~ ^[a-z0-9-]+/[a-z0-9-]+$ ]] || fail 'give the repository as LOCATION/NAME with --repository'
[[ -z $push || $push =~ ^https://[^/?#]+/hooks/pubsub$ ]] || fail '--push wants https://HOST/hooks/pubsub'
[[ -z $identity || $identity =~ ^[a-z0-9-]+/[a-z0-9-]+$ ]] || fail '--workload-identity wants NAMESPACE/NAME'

readonly location=${repository%/*} name=${repository#*/}

# --- the few verbs

run() {
    if [[ $dry_run ]]; then
        printf 'gcloud'
        printf ' %q' "$@" --project="$project"
        printf '\n'
    else
        gcloud "$@" --project="$project" --quiet > /dev/null
    fi
}

# Whether something is there. What cannot be looked at counts as missing: making it then tells what is wrong.
exists() {
    [[ ! $dry_run ]] && gcloud "$@" --project="$project" --quiet > /dev/null 2>&1
}

topic() {
    exists pubsub topics describe "$1" || run pubsub topics create "$1"
}

# subscription NAME TOPIC [FLAG...]: never expires; pauses between tries grow from 10 s to 10 minutes.
subscription() {
    local flags=(--ack-deadline=60 --expiration-period=never --min-retry-delay=10s --max-retry-delay=600s "${@:3}")
    if exists pubsub subscriptions describe "$1"; then
        run pubsub subscriptions update "$1" "${flags[@]}"
    else
        run pubsub subscriptions create "$1" --topic="$2" "${flags[@]}"
    fi
}

service_account() {
    exists iam service-accounts describe "$(email "$1")" || run iam service-accounts create "$1" --display-name="$2"
}

email() {
    echo "$1@$project.iam.gserviceaccount.com"
}

# allow ROLE MEMBER COMMAND...: a new service account is known everywhere only after some seconds, so this tries again.
allow() {
    local try
    for try in 1 2 3 4 5; do
        run "${@:3}" --member="serviceAccount:$2" --role="roles/$1" && return
        sleep $((try * 3))
    done
    return 1
}

# Said where it can be, since gcloud asks where others have conditions.
readonly always=--condition=None

on_topic() { allow "$1" "$2" pubsub topics add-iam-policy-binding "$3"; }
on_subscription() { allow "$1" "$2" pubsub subscriptions add-iam-policy-binding "$3"; }
on_registry() { allow "$1" "$2" artifacts repositories add-iam-policy-binding "$name" --location="$location" "$always"; }
on_account() { allow "$1" "$2" iam service-accounts add-iam-policy-binding "$3" "$always"; }

# --- what there has to be

run services enable artifactregistry.googleapis.com iamcredentials.googleapis.com pubsub.googleapis.com

# Artifact Registry and Cloud Build publish to these two, by these names, where they are there.
readonly sources=(gcr cloud-builds)
for each in "${sources[@]}" updater-dead-letters updater-queue updater-outcomes; do
    topic "$each"
done

service_account updater-build 'Pushes images, and nothing else'
service_account updater 'Takes events; reads images'
service_account updater-clusters 'Pulls images, and nothing else'

# Dead letters wait for a person, who may be on holiday.
subscription updater-dead-letters updater-dead-letters --message-retention-duration=31d

# The updater keeps the lease of what it cannot finish yet, and puts aside itself what it cannot read. So Pub/Sub counts
# tries only where a process died, and puts a message aside as late as it can.
readonly lasting=(
    --message-retention-duration=7d
    --dead-letter-topic=updater-dead-letters
    --dead-letter-topic-project="$project"
    --max-delivery-attempts=100
)
delivery=()
if [[ $push ]]; then
    service_account updater-push 'Shows the updater that a push comes from Pub/Sub'
    delivery=(
        --push-endpoint="$push"
        --push-auth-service-account="$(email updater-push)"
        --push-auth-token-audience="$push"
    )
fi
for each in "${sources[@]}"; do
    subscription "updater-$each" "$each" "${lasting[@]}" "${delivery[@]}"
done
subscription updater-queue updater-queue "${lasting[@]}"

# --- who may do what

number=PROJECT_NUMBER
if [[ ! $dry_run ]]; then
    number=$(gcloud projects describe "$project" --format='value(projectNumber)')
fi
readonly pubsub=service-$number@gcp-sa-pubsub.iam.gserviceaccount.com
run beta services identity create --service=pubsub.googleapis.com

on_registry artifactregistry.writer "$(email updater-build)"
on_registry artifactregistry.reader "$(email updater)"
on_registry artifactregistry.reader "$(email updater-clusters)"

pulled=(updater-queue)
if [[ $push ]]; then
    on_account iam.serviceAccountTokenCreator "$pubsub" "$(email updater-push)"
else
    pulled+=("${sources[@]/#/updater-}")
fi
for each in "${pulled[@]}"; do
    on_subscription pubsub.subscriber "$(email updater)" "$each"
done
for each in updater-dead-letters updater-queue updater-outcomes; do
    on_topic pubsub.publisher "$(email updater)" "$each"
done

# Pub/Sub itself moves dead letters: it takes them from the subscription and publishes them.
on_topic pubsub.publisher "$pubsub" updater-dead-letters
for each in updater-queue "${sources[@]/#/updater-}"; do
    on_subscription pubsub.subscriber "$pubsub" "$each"
done

if [[ $identity ]]; then
    on_account iam.workloadIdentityUser "$project.svc.id.goog[$identity]" "$(email updater)"
fi

# --- what the updater has to be told

cat >&2 << END

Settings for the updater:
$(if [[ $push ]]; then
    echo "UPDATER_PUBSUB_AUDIENCE=$push"
    echo "UPDATER_PUBSUB_SENDER=$(email updater-push)"
else
    subscriptions=projects/$project/subscriptions
    echo "UPDATER_PUBSUB_SUBSCRIPTION=$subscriptions/updater-gcr,$subscriptions/updater-cloud-builds"
fi)
UPDATER_PUBSUB_DEAD_LETTERS=projects/$project/topics/updater-dead-letters
UPDATER_OUTCOMES=projects/$project/topics/updater-outcomes

and for several replicas:
UPDATER_QUEUE=pubsub
UPDATER_QUEUE_TOPIC=projects/$project/topics/updater-queue
UPDATER_QUEUE_SUBSCRIPTION=projects/$project/subscriptions/updater-queue
END
