"""A call of the REST API: what comes in, what goes out, and the table of those that the stand-in knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

from tests.helpers.github.access import Access, App, Token
from tests.helpers.github.limits import Limits
from tests.helpers.github.model import Account
from tests.helpers.github.repository import Repository
from tests.helpers.github.shapes import Shapes

PLAIN = "/repos/{owner}/{repo}"
_WITH_SLASHES = ("ref", "branch")
"""Parameters that may be names of branches, whose slashes some clients leave as they are."""


@dataclass(frozen=True)
class Request:
    """A request for the API. `path` begins after the API's prefix and is as it was sent; `headers` have lower-case
    names; `body` is the JSON that was sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None

    @property
    def is_write(self) -> bool:
        """Whether it is to change something; queries of GraphQL are posted, too."""
        if self.path == "/graphql":
            return isinstance(self.body, dict) and str(self.body.get("query")).lstrip().startswith("mutation")
        return self.method != "GET"


@dataclass(frozen=True)
class Answer:
    """What is answered. A `body` of None is none at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What a call has at hand: the request, who asks, the parts of the path, and the whole of GitHub."""

    request: Request
    repository: Repository
    access: Access
    limits: Limits
    shapes: Shapes
    parts: Mapping[str, str]
    token: Token | None = None
    app: App | None = None

    @property
    def actor(self) -> Account:
        """Who asks."""
        assert self.token is not None
        return self.token.account

    @property
    def number(self) -> int:
        """The number of the pull request in the path; what is no number names none."""
        text = self.parts.get("pull_number") or self.parts["issue_number"]
        return int(text) if text.isdecimal() else 0

    def given(self, name: str, default: Any = None) -> Any:
        """A value of the body; `default` where it is left out."""
        return (self.request.body or {}).get(name, default)

    def page(self, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
        """The part of a list that was asked for, and the header with links to the others.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        size = min(max(int(self.request.query.get("per_page", "30")), 1), 100)
        page, last = max(int(self.request.query.get("page", "1")), 1), max(1, -(-len(items) // size))
        others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = {name: to for name, to in others.items() if 1 <= to <= last and to != page}
        links = ", ".join(f'<{self._url(to)}>; rel="{name}"' for name, to in shown.items())
        return items[(page - 1) * size : page * size], {"link": links} if links else {}

    def _url(self, page: int) -> str:
        query = urlencode({**self.request.query, "page": page}, quote_via=quote)
        return f"{self.shapes.api}{self.request.path}?{query}"


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """A call that the stand-in knows. `right` is what a token needs for it, `content` whether it creates content;
    `by_app` ones are asked with a JSON web token of an App; free ones cost nothing.
    """

    method: str
    template: str
    right: str
    handler: Handler
    content: bool = False
    by_app: bool = False
    free: bool = False

    def parts(self, method: str, path: str) -> dict[str, str] | None:
        """The parameters in a path, decoded; None if it is another call."""
        found = re.fullmatch(self._pattern, path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None

    @property
    def _pattern(self) -> str:
        def group(name: str) -> str:
            return f"(?P<{name}>{'.+' if name in _WITH_SLASHES else '[^/]+'})"

        return re.sub(r"\{(\w+)\}", lambda found: group(found[1]), self.template)


ROUTES: list[Route] = []


def route(method: str, template: str, right: str = "", **kind: bool) -> Callable[[Handler], Handler]:
    """Registers the function that answers a call."""

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, right, handler, **kind))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The call that a method and path stand for, with its parameters."""
    for known in ROUTES:
        parts = known.parts(method, path)
        if parts is not None:
            return known, parts
    return None
