"""Which subscriptions and topics are used, and what a person is told who named them wrongly."""

from __future__ import annotations

import pytest

from updater.errors import UsageError
from updater.sources.settings import Pull, Queue, Settings, read

SOURCES = ("artifact-registry", "cloud-build", "pubsub")
A, B = "projects/p/subscriptions/a", "projects/p/subscriptions/b"
TOPIC = "projects/p/topics/t"
PULL = "UPDATER_PUBSUB_SUBSCRIPTION"
QUEUE = {"UPDATER_QUEUE": "pubsub", "UPDATER_QUEUE_TOPIC": TOPIC, "UPDATER_QUEUE_SUBSCRIPTION": A}


def test_nothing_is_pulled_and_no_queue_is_used_unless_somebody_says_so() -> None:
    assert read({}, SOURCES) == Settings((), None, 1000, None)
    assert read({PULL: "", "UPDATER_QUEUE": "", "UPDATER_PUBSUB_MAX_MESSAGES": ""}, SOURCES) == Settings()


@pytest.mark.parametrize(
    ("text", "pulls"),
    [
        (A, (Pull("pubsub", A),)),
        (f"cloud-build={A}", (Pull("cloud-build", A),)),
        (f" {A} , cloud-build={B},", (Pull("pubsub", A), Pull("cloud-build", B))),
    ],
)
def test_a_subscription_may_name_its_dialect(text: str, pulls: tuple[Pull, ...]) -> None:
    assert read({PULL: text}, SOURCES).pulls == pulls


def test_dead_letters_and_the_most_messages_are_read() -> None:
    found = read({"UPDATER_PUBSUB_DEAD_LETTERS": TOPIC, "UPDATER_PUBSUB_MAX_MESSAGES": "50"}, SOURCES)
    assert (found.dead_letters, found.max_messages) == (TOPIC, 50)


def test_a_queue_has_a_topic_and_a_subscription() -> None:
    assert read(QUEUE, SOURCES).queue == Queue(TOPIC, A)


@pytest.mark.parametrize(
    ("environ", "named", "hint"),
    [
        ({PULL: "a"}, "'a'", "projects/PROJECT/subscriptions/NAME"),
        ({PULL: TOPIC}, TOPIC, "subscriptions"),
        ({PULL: f"cloud-bild={A}"}, "cloud-bild", "did you mean cloud-build?"),
        ({PULL: f"zzz={A}"}, "zzz", "artifact-registry, cloud-build, pubsub"),
        ({PULL: f"={A} x"}, PULL, ""),
        ({PULL: f"{A},{A}"}, f"{A} is named twice", ""),
        ({PULL: A, **QUEUE}, f"{A} is named twice", ""),
        ({"UPDATER_PUBSUB_DEAD_LETTERS": A}, "UPDATER_PUBSUB_DEAD_LETTERS", "topics/NAME"),
        ({"UPDATER_PUBSUB_MAX_MESSAGES": "0"}, "UPDATER_PUBSUB_MAX_MESSAGES", "from 1"),
        ({"UPDATER_PUBSUB_MAX_MESSAGES": "many"}, "'many'", "number"),
        ({"UPDATER_PUBSUB_MAX_MESSAGES": "²"}, "'²'", "number"),
        ({"UPDATER_PUBSUB_MAX_MESSAGES": "100001"}, "'100001'", "100000"),
        ({"UPDATER_QUEUE": "redis"}, "'redis'", "pubsub"),
        ({**QUEUE, "UPDATER_QUEUE_TOPIC": "t"}, "UPDATER_QUEUE_TOPIC is 't'", "topics/NAME"),
        ({**QUEUE, "UPDATER_QUEUE_SUBSCRIPTION": TOPIC}, "UPDATER_QUEUE_SUBSCRIPTION is", "subscriptions/NAME"),
        ({**QUEUE, "UPDATER_QUEUE_TOPIC": ""}, "UPDATER_QUEUE_TOPIC", "replicas"),
        ({**QUEUE, "UPDATER_QUEUE_SUBSCRIPTION": ""}, "UPDATER_QUEUE_SUBSCRIPTION", "replicas"),
        ({**QUEUE, "UPDATER_QUEUE": ""}, "UPDATER_QUEUE", "replicas"),
    ],
)
def test_a_wrong_setting_is_named_with_a_way_out(environ: dict[str, str], named: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(environ, SOURCES)
    assert named in str(caught.value)
    assert hint in (caught.value.hint or "")
