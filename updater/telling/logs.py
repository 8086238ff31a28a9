"""Logs: whatever is logged comes out as one line, as JSON or for people, without secrets.

Everybody logs with the standard library; structlog only writes the lines. The fields of a line are those in `extra=`;
`event` is the push that it is about, as `<source>/<delivery id>`, the same text as in the commit's trailer.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeAlias

from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.dev import ConsoleRenderer
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict

from updater import settings
from updater.core import masking
from updater.core.masking import Mask
from updater.errors import UsageError
from updater.telling.lines import Lines

Form: TypeAlias = Literal["json", "console"]
LONGEST = 16_384
"""Of a text in a line; what is longer is cut."""
_NAMED = 20
"""Events that a line about a batch names."""
_FRAMES = 20
_FORMS: Mapping[str, Form] = {"json": "json", "console": "console"}
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OTHERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "google")
"""Loggers of libraries that would write lines of their own, or none."""
_TALKATIVE = ("asyncio", "git", "github", "httpcore", "httpx", "urllib3")
"""Loggers of libraries that tell of each request, with its whole address."""
_BY_STRANGERS = "uvicorn.error"
"""A logger that warns of each request that is no HTTP: whoever likes could fill the log."""
_OF_EVERY_RECORD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"})
_traced = ExceptionDictTransformer(show_locals=False, max_frames=_FRAMES)


@dataclass(frozen=True, slots=True)
class Logging:
    """What the environment asks for."""

    form: Form
    level: str


def read(environ: Mapping[str, str], *, is_terminal: bool) -> Logging:
    """`UPDATER_LOG` (`json`, or `console`, as on a terminal) and `UPDATER_LOG_LEVEL`. Raises `UsageError`."""
    asked = environ.get("UPDATER_LOG") or ("console" if is_terminal else "json")
    level = environ.get("UPDATER_LOG_LEVEL") or "INFO"
    if asked not in _FORMS:
        raise UsageError(f"UPDATER_LOG is {asked!r}", hint="it is json or console")
    if level.upper() not in _LEVELS:
        raise UsageError(f"UPDATER_LOG_LEVEL is {level!r}", hint=f"it is one of {', '.join(_LEVELS)}")
    return Logging(_FORMS[asked], level.upper())


def secrets(environ: Mapping[str, str]) -> frozenset[str]:
    """Every secret that the environment tells us: in variables, in the files that they name, in URLs.

    Raises `UsageError` where such a file cannot be read.
    """
    named = {settings.secret(environ, name) for name in masking.names(environ)}
    in_addresses = {secret for value in environ.values() for secret in masking.in_address(value)}
    return frozenset({*in_addresses, *(secret for secret in named if secret)})


def set_up(stream: TextIO | Lines, *, form: Form, secrets: Collection[str], level: str) -> None:
    """From now on everything that is logged in this process goes to `stream`, a line each, without these secrets."""
    handler = logging.StreamHandler[Any](stream)
    handler.setFormatter(_formatter(form, masking.mask(secrets), has_colours=stream.isatty()))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _OTHERS:
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
        other.setLevel(level)  # Google's library leaves alone a logger that has one
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger(_BY_STRANGERS).setLevel(max(logging.ERROR, root.level))
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a line that cannot be written would be printed raw, with its secrets


@contextmanager
def correlated(*events: str) -> Iterator[None]:
    """Lines that are logged inside, in this thread or task, are about these events (`<source>/<delivery id>`)."""
    named = ", ".join(events[:_NAMED])
    more = len(events) - _NAMED
    with bound_contextvars(event=f"{named} and {more} more" if more > 0 else named):
        yield


def _formatter(form: Form, mask: Mask, *, has_colours: bool) -> logging.Formatter:
    def masked(_logger: Any, _method: str, line: EventDict) -> EventDict:
        return {key: _cut(mask.value(value)) for key, value in line.items()}

    if form == "json":
        return ProcessorFormatter(processors=[_line, masked, JSONRenderer()])
    console = ConsoleRenderer(colors=has_colours, event_key="message", sort_keys=False, pad_level=False)
    return ProcessorFormatter(processors=[_line, masked, _for_people, console])


def _line(_logger: Any, _method: str, found: EventDict) -> EventDict:
    """The fields of a line. Ours come first, and nobody else's take their places.

    structlog calls the message `event`, which we do not.
    """
    record: logging.LogRecord = found["_record"]
    extra = {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}
    line: EventDict = {
        "timestamp": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": found["event"],
    }
    line = {**line, **get_contextvars(), **extra, **line}
    error = found.get("exc_info")
    return {**line, "exception": _exception(error)} if error and error[0] else line


def _exception(error: Any) -> list[dict[str, Any]]:
    """A failure and its causes, each with its kind, its words and where it was; never with the values of variables."""
    return [
        {
            "type": each["exc_type"],
            "message": each["exc_value"],
            "trace": [f"{frame['filename']}:{frame['lineno']} {frame['name']}" for frame in each["frames"]],
        }
        for each in _traced(error)
    ]


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= LONGEST else f"{value[:LONGEST]}…"


def _for_people(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """Nothing that a terminal obeys, and no second line, whoever wrote the text."""
    failures = line.pop("exception", None) or []
    told = {key: _visible(value) for key, value in line.items()}
    if failures:
        causes = [f"{each['type']}: {each['message']} ({' > '.join(each['trace'])})" for each in failures]
        told["error"] = _visible(" <- ".join(causes))
    return told


def _visible(value: Any) -> str:
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
