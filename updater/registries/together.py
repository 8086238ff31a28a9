"""All registries, many questions at a time. What one of them does or does not do is part of the answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Protocol, TypeVar

from updater.core.oci import Descriptor
from updater.core.references import split_host
from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable, UpdaterError
from updater.model import Event
from updater.registries.answers import Served
from updater.registries.memory import Memory
from updater.registries.silence import Silence
from updater.registry import Listing, Question, Tagged, Word

THREADS = 8
"""How many questions are under way at the same time, to all registries together."""
LISTERS = 2
"""How many lists are under way beside them: nobody waits for those, and each question may have to wait behind each."""
REUSED = 10.0
"""Seconds for which a word counts: a plan may be made anew several times."""
_MOST_WORDS = 10_000

_K = TypeVar("_K")
_V = TypeVar("_V")
_logger = logging.getLogger(__name__)


class Store(Protocol):
    """One registry, as `Client` is. All of it but `close` may raise `RegistryError`."""

    def digest(self, repository: str, reference: str) -> str | None: ...

    def manifest(self, repository: str, reference: str) -> Served | None: ...

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes: ...

    def tags(self, repository: str) -> Mapping[str, Tagged] | None: ...

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]: ...

    def close(self) -> None: ...


class Registries:
    """A `registry.Registries`. Safe to use from many threads.

    `connect` makes the client for a registry that is asked for the first time; `monotonic` tells seconds that no clock
    change moves; `wake` ends the pauses of those who wait for their turn at a registry, once that is closed.
    """

    def __init__(
        self,
        is_known: Callable[[str], bool],
        connect: Callable[[str], Store],
        memory: Memory,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._is_known = is_known
        self._connect = connect
        self._memory = memory
        self._now = now
        self._monotonic = monotonic
        self._wake = wake
        self._lock = Lock()
        self._stores: dict[str, Store] = {}
        self._words: dict[Question, tuple[float, Word]] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="registries")
        # Hundreds of lists may have to wait for their turn, and no push is to wait behind all of them.
        self._listers = ThreadPoolExecutor(LISTERS, thread_name_prefix="registries-lists")
        self._is_closed = False
        self._surprises: set[tuple[str, type[Exception]]] = set()

    def close(self) -> None:
        """Ends what is under way as soon as may be, and gives everything back. Who still asks gets no answer."""
        with self._lock:
            self._is_closed = True
            stores = list(self._stores.values())
        for pool in (self._pool, self._listers):
            pool.shutdown(wait=False)
        for store in stores:
            store.close()
        self._wake()
        self._memory.close()

    def knows(self, image: str) -> bool:
        """See `registry.Registries`."""
        return self._is_known(split_host(image)[0])

    def words(self, questions: Collection[Question]) -> Mapping[Question, Word]:
        """See `registry.Registries`."""
        fresh = self._fresh(questions)
        unheard = [each for each in questions if each not in fresh]
        found = self._all(self._pool, unheard, lambda each: each.image, self._word)
        made = {each: Word(failure=word) if isinstance(word, RegistryError) else word for each, word in found.items()}
        with self._lock:
            if len(self._words) + len(made) > _MOST_WORDS:
                self._words.clear()
            self._words |= {each: (self._monotonic(), word) for each, word in made.items()}
        return {**fresh, **made}

    def listings(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Listing | RegistryError]:
        """See `registry.Registries`."""
        return self._all(
            self._listers, list(wanted), lambda image: image, lambda image: self._listing(image, wanted[image])
        )

    def digests(self, references: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None | RegistryError]:
        """See `registry.Registries`."""
        return self._all(self._pool, list(references), lambda each: each[0], self._digest)

    def saw(self, events: Sequence[Event]) -> None:
        """See `registry.Registries`. Of these tags nothing counts any more that was heard before."""
        pushes = [each for each in events if each.earliest is None]
        tags = {(each.image, each.version.tag) for each in pushes}
        with self._lock:
            self._words = {each: word for each, word in self._words.items() if (each.image, each.tag) not in tags}
        self._memory.saw(
            (each.image, each.version.tag, each.version.digest, each.time)
            for each in pushes
            if each.version.tag is not None
        )

    def _fresh(self, questions: Collection[Question]) -> dict[Question, Word]:
        oldest = self._monotonic() - REUSED
        with self._lock:
            found = {each: self._words[each] for each in questions if each in self._words}
        return {each: word for each, (time, word) in found.items() if time > oldest}

    def _all(
        self, pool: ThreadPoolExecutor, keys: Sequence[_K], image: Callable[[_K], str], ask: Callable[[_K], _V]
    ) -> dict[_K, _V | RegistryError]:
        """The answer to each, or why there is none."""
        silence = Silence()
        hosts = [split_host(image(key))[0] for key in keys]
        with self._lock:
            if self._is_closed:
                return dict.fromkeys(keys, _ended())
            answers = pool.map(lambda host, key: self._asked(silence, host, partial(ask, key)), hosts, keys)
        return dict(zip(keys, answers, strict=True))

    def _asked(self, silence: Silence, host: str, ask: Callable[[], _V]) -> _V | RegistryError:
        if (given_up := silence.given_up(host)) is not None:
            return given_up
        try:
            answer = ask()
        except RegistryUnavailable as error:
            return silence.unanswered(host, error)
        except UpdaterError as error:
            return error if isinstance(error, RegistryError) else RegistryRefused(str(error), hint=error.hint)
        except Exception as error:  # what one registry has found to surprise us with is no other one's trouble
            return self._surprised(host, error)
        silence.answered(host)
        return answer

    def _surprised(self, host: str, error: Exception) -> RegistryRefused:
        """The answer of a registry at which we failed, which is in the log once for each kind of error."""
        surprise = host, type(error)
        with self._lock:
            is_new = surprise not in self._surprises
            self._surprises.add(surprise)
        if is_new:
            _logger.error("asking %s failed unexpectedly", host, exc_info=error)
        message = f"{host}: asking it failed unexpectedly: {type(error).__name__}"
        return RegistryRefused(message, hint="this is a fault of the updater; its log tells where")

    def _at(self, image: str) -> tuple[Store, str]:
        host, path = split_host(image)
        with self._lock:
            if self._is_closed:
                raise _ended()
            if host not in self._stores:
                self._stores[host] = self._connect(host)
            return self._stores[host], path

    def _word(self, question: Question) -> Word:
        store, path = self._at(question.image)
        digest = store.digest(path, question.tag)
        if digest is None:
            return Word()
        from updater.registries import words  # what most commands do not need takes longest to import

        return words.word(store, path, digest, question.keys)

    def _listing(self, image: str, wanted: Collection[str]) -> Listing:
        store, path = self._at(image)
        now = self._now()  # what comes while it answers may be in the answer or not
        listed = _with_digests(store, path, store.tags(path) or {}, wanted)
        return Listing(listed, now, self._memory.pushes(image))

    def _digest(self, reference: tuple[str, str]) -> str | None:
        image, version = reference
        store, path = self._at(image)
        return store.digest(path, version)


def _ended() -> RegistryUnavailable:
    return RegistryUnavailable("registries are not asked any more: we are about to end")


def _with_digests(store: Store, path: str, listed: Mapping[str, Tagged], wanted: Collection[str]) -> dict[str, Tagged]:
    """The same list, with what the wanted tags name. Those that are not there any more are left out."""
    unknown = [tag for tag in wanted if tag in listed and listed[tag].digest is None]
    named = {tag: store.digest(path, tag) for tag in unknown}
    told = {tag: replace(listed[tag], digest=digest) for tag, digest in named.items()}
    return {tag: each for tag, each in {**listed, **told}.items() if tag not in named or each.digest is not None}
