"""The answers of registries are counted by host and outcome, and stay as they are."""

from __future__ import annotations

from tests.helpers.events import IMAGE, pushed
from tests.helpers.fake_registries import DOWN, FakeRegistries
from updater.errors import RegistryError, RegistryRefused
from updater.registry import Listing, Question
from updater.service.counted import Counted

HOST = IMAGE.partition("/")[0]
QUESTION = Question(IMAGE, "1")
NO_RIGHT = RegistryRefused("no right")


class Digests(FakeRegistries):
    """Registries that tell digests, too."""

    def digests(self, references: object) -> dict[tuple[str, str], str | None | RegistryError]:
        return {(IMAGE, "1"): None, (IMAGE, "2"): NO_RIGHT}


def counted(**more: RegistryError) -> tuple[Counted, list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []
    return Counted(Digests({"1": "a"}, **more), lambda host, outcome: found.append((host, outcome))), found


def test_words_are_counted() -> None:
    registries, found = counted()
    assert registries.words([QUESTION])[QUESTION].failure is None
    assert found == [(HOST, "answered")]


def test_a_registry_that_is_down_is_told_from_one_that_refuses() -> None:
    for error, outcome in ((DOWN, "unavailable"), (NO_RIGHT, "refused")):
        registries, found = counted(down=error)
        assert registries.words([QUESTION])[QUESTION].failure is error
        assert registries.listings({IMAGE: ()}) == {IMAGE: error}
        assert found == [(HOST, outcome)] * 2


def test_lists_and_digests_are_counted() -> None:
    registries, found = counted()
    assert isinstance(registries.listings({IMAGE: ()})[IMAGE], Listing)
    assert registries.digests([]) == {(IMAGE, "1"): None, (IMAGE, "2"): NO_RIGHT}
    assert found == [(HOST, "answered"), (HOST, "answered"), (HOST, "refused")]


def test_what_is_no_question_is_passed_on() -> None:
    inner = FakeRegistries(is_known=False)
    registries = Counted(inner, lambda _host, _outcome: None)
    event = pushed("1")
    registries.saw([event])
    assert inner.seen == [event]
    assert not registries.knows(IMAGE)
