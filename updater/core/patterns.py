"""Path patterns: which image repositories a rule follows, and which folders are overlays.

The syntax is that of Eventarc ("Understand path patterns", Google Cloud documentation), with the captures
that Firebase adds for document paths:

    *                 one segment; inside a segment any run of characters, none included: `model-*`, `a*b`
    **                any number of segments, none included; always a segment by itself, once in a pattern
    {name}            one segment, captured; `{name=*}` is the same
    {name=model-*}    one segment of that shape, captured whole
    {name=**}         what `**` matches, captured with its slashes

Everything else is literal. One leading slash on either side says nothing. `**` is allowed once so that there
is only one way to match, and with it only one service that an overlay can belong to. There is no
backtracking: time is proportional to the path, however many wildcards there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from updater.core import references

_CAPTURE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)(?:=([^{}]+))?\}")
_REPOSITORY_GLOB = re.compile(r"[a-z0-9._*-]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two slashes of a pattern: a glob, and the name under which its match is captured."""

    glob: str
    capture: str | None = None

    @property
    def many(self) -> bool:
        """Whether it is `**`."""
        return self.glob == "**"

    def fits(self, text: str) -> bool:
        """Whether the glob matches all of `text`."""
        if self.many:
            return True
        first, *rest = self.glob.split("*")
        if not rest:
            return text == first
        *middle, last = rest
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            # The leftmost place leaves the most room for the parts that follow, so no other has to be tried.
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `text` is what its author wrote."""

    text: str
    segments: tuple[Segment, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The captures if the whole of `path` matches (`{}` where there are none to make), else None.

        A path that is empty or has an empty segment matches nothing.
        """
        names = path.removeprefix("/").split("/")
        if "" in names:
            return None
        many = next((index for index, segment in enumerate(self.segments) if segment.many), None)
        if many is not None:
            end = many + len(names) - len(self.segments) + 1
            names[many:end] = ["/".join(names[many:end])]
        if len(names) != len(self.segments):
            return None
        if not all(segment.fits(name) for segment, name in zip(self.segments, names, strict=True)):
            return None
        return {segment.capture: name for segment, name in zip(self.segments, names, strict=True) if segment.capture}


@lru_cache(maxsize=1024)
def compile(pattern: str) -> Pattern:
    """Compile a path pattern.

    Raises ValueError, with what to write instead, for a pattern that is empty or has an empty, `.` or `..`
    segment, unbalanced braces, a capture that is part of a segment, two captures of one name, `**` glued to
    other text, or more than one `**`.
    """
    try:
        segments = tuple(_segment(text) for text in pattern.removeprefix("/").split("/"))
    except ValueError as error:
        raise ValueError(f"the pattern {pattern!r} {error}") from None
    if sum(segment.many for segment in segments) > 1:
        raise ValueError(f"the pattern {pattern!r} has more than one `**`: write `*` for each segment but one")
    captures = [segment.capture for segment in segments if segment.capture]
    for name in captures:
        if captures.count(name) > 1:
            raise ValueError(
                f"the pattern {pattern!r} captures {{{name}}} twice: give one of them another name, or `*`"
            )
    return Pattern(pattern, segments)


def _segment(text: str) -> Segment:
    found = _CAPTURE.fullmatch(text)
    capture, glob = (found[1], found[2] or "*") if found else (None, text)
    if glob in ("", ".", ".."):
        raise ValueError(f"has the segment {glob!r}: write the path in full, without doubled or trailing slashes")
    if "{" in glob or "}" in glob:
        raise ValueError(f"has {text!r}: a capture is a whole segment, as in {{service}} or {{service=model-*}}")
    if "**" in glob and glob != "**":
        raise ValueError(f"has {text!r}: `**` is a segment by itself; inside a segment write `*`")
    return Segment(glob, capture)


@lru_cache(maxsize=1024)
def image_pattern(text: str) -> Pattern:
    """Compile a pattern of image repositories, completed as `references.normalise` completes names.

    The host is read in lower case, `acme/*` means `docker.io/acme/*` and `nginx*` means
    `docker.io/library/nginx*`: the first segment is a host if it would be one with something in place of its
    wildcards. A first segment that is nothing but a wildcard (`*`, `**`, `{host}`) is taken as the host, so
    `*/models/app` is that repository on every host (`docker.io` included) and `**` is every image.

    Raises ValueError as `compile` does, and for a pattern that no image can ever match.
    """
    first, *rest = compile(text).segments
    hub = Segment(references.DOCKER_HUB)
    host = first if first.many else _host(first, text)
    if host is None:
        host, rest = hub, [first, *rest]
    elif not rest and not first.many:
        raise ValueError(f"the image pattern {text!r} names a host alone: write '{text}/**' for all that is on it")
    if host.glob == hub.glob and len(rest) == 1 and not rest[0].many:
        rest = [Segment("library"), *rest]
    if not all(_REPOSITORY_GLOB.fullmatch(segment.glob) for segment in rest):
        raise _impossible(text)
    return Pattern(text, (host, *rest))


def _host(first: Segment, text: str) -> Segment | None:
    """The first segment as a host, normalised; None if it is a namespace or an image of Docker Hub."""
    if first.glob == "*":
        return first
    sample = references.normalise(first.glob.replace("*", "0") + "/a/a")
    if sample is None:
        raise _impossible(text)
    host = sample.removesuffix("/a/a")
    if "/" in host:
        return None
    return replace(first, glob=first.glob.lower() if "*" in first.glob else host)


def _impossible(text: str) -> ValueError:
    return ValueError(f"the image pattern {text!r} matches no image: write it in lower case, without tag or digest")
