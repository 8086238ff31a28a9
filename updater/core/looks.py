"""What looks at registries have found: how it is kept on the remote, and read again.

The commit of `refs/updater/looks/registries` holds a file for each image: a line about the look, and one for each tag,
as JSON and sorted. So its log tells what came and went, and whoever begins on an empty disk knows what was there
before. Anybody who may push to the repository may write there. A file with anything wrong in it counts for nothing as a
whole: a tag that was missing in it would be taken for new.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from updater.core import instants
from updater.core.messages import stamp
from updater.core.references import is_digest, is_tag
from updater.core.sightings import Knowledge, Seen
from updater.model import Version

REFS = "refs/updater/looks/"
REF = f"{REFS}registries"
MAX_BYTES = 32 * 1024 * 1024
"""Of such a file: two hundred thousand tags and more."""

_TIMES = ("before", "uploaded_at", "told", "missing")


def file_name(image: str) -> str:
    """The name of the file about an image."""
    return quote(image, safe="")


def title(names: Collection[str]) -> str:
    """The message of the commit that writes these files."""
    images = sorted(unquote(name) for name in names)
    return f"Keep what registries have of {len(images)} image(s)\n\n" + "".join(f"{image}\n" for image in images)


def written(image: str, known: Knowledge) -> bytes:
    """The file about an image."""
    standing = sorted([each.tag or "", each.digest or ""] for each in known.standing)
    head = {"image": image, "looked_at": stamp(known.looked_at), "standing": standing}
    lines = [head, *(_line(tag, known.tags[tag]) for tag in sorted(known.tags))]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def read(content: bytes) -> Knowledge | None:
    """What such a file says; None where anything in it is wrong."""
    try:
        head, *tags = json.loads(b"[%b]" % b",".join(content.splitlines()))
        standing = frozenset(Version(tag or None, digest or None) for tag, digest in head["standing"])
        return Knowledge(_time(head, "looked_at"), dict(map(_tag, tags)), standing)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _line(tag: str, seen: Seen) -> dict[str, str]:
    times = {name: stamp(time) for name in _TIMES if (time := getattr(seen, name)) is not None}
    digest = {} if seen.digest is None else {"digest": seen.digest}
    return {"tag": tag, "found": stamp(seen.first), **digest, **times}


def _tag(line: Mapping[str, Any]) -> tuple[str, Seen]:
    times = {name: _time(line, name) for name in _TIMES if name in line}
    tag, digest = line["tag"], line.get("digest")
    if not is_tag(tag) or not (digest is None or is_digest(digest)):
        raise ValueError(f"no tag or no digest: {line}")
    return tag, Seen(_time(line, "found"), digest=digest, **times)


def _time(line: Mapping[str, Any], name: str) -> datetime:
    return _instant(line[name])


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    """A time, of which most tags of an image have the same."""
    time = instants.from_text(text)
    if time is None:
        raise ValueError(f"no time: {text}")
    return time
