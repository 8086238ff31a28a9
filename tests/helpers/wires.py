"""A wire to GitHub whose answers are written down before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.helpers.gitops import AUTHOR, NOON
from updater.forge import Connection
from updater.forges.github.answers import Answer, Later
from updater.forges.github.client import Client
from updater.forges.github.settings import Place

PLACE = Place("https://api.github.com", "acme", "gitops", True, "hush")
Script = list[Answer | Later]


class Wire:
    """Answers by a script, and with success after its end; remembers what was asked, and when."""

    def __init__(self, script: Script) -> None:
        self.now = NOON
        self.script = script
        self.asked: list[Any] = []
        self.times: list[float] = []
        self.pauses: list[float] = []
        self.is_closed = False
        told = Connection("", AUTHOR, {}, lambda: self.now, self.pause)
        self.client = Client(self, lambda: "hush", PLACE, told)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)

    def send(self, token: str, verb: str, path: str, body: Any = None) -> Answer:
        self.asked.append(body)
        self.times.append((self.now - NOON).total_seconds())
        self.now += timedelta(seconds=0.5)
        answer = self.script.pop(0) if self.script else Answer(200, {}, '{"data": {}}')
        if isinstance(answer, Later):
            raise answer
        return answer

    def query(self, token: str, text: str, variables: Any) -> Answer:
        return self.send(token, "POST", "/graphql", variables)

    def close(self) -> None:
        self.is_closed = True

    def write(self, landed: Callable[[], object] = lambda: None) -> Any:
        return self.client.write("POST", "/x", {}, "do it", "contents: write", landed)
