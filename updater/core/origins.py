"""Where an image was built from: its labels, checked, and the pages of the forge on which people look that up.

Whoever builds an image writes its labels, and a base image's labels are inherited; so they are told and decide nothing.
Source: the OCI image specification 1.1, "Annotations" (`org.opencontainers.image.source` and its siblings).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from updater.core import instants
from updater.model import Origin

_KEY = "org.opencontainers.image."
_MAX_SOURCE = 500
_SHOWN_COMMIT = 7
# http or https, no user before the host; query and fragment are matched to be left out.
_SOURCE = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[^/?#\s]+)*)/?(?:[?#]\S*)?",
    re.IGNORECASE,
)
_SSH = re.compile(r"ssh://git@(?P<host>[^/:@]+)/|git@(?P<scp>[^/:@]+):")
_GIT = re.compile(r"(?:\.git)+$")
_SEGMENT = re.compile(r"[^\\/@:]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_REF = re.compile(r"[A-Za-z0-9_]+(?:[./+-][A-Za-z0-9_]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*")
_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class _Pages:
    """How a kind of forge names its pages, behind the address of a repository."""

    commit: str
    compare: str


_GITHUB = _Pages("/commit/{new}", "/compare/{old}...{new}")
_GITLAB = _Pages("/-/commit/{new}", "/-/compare/{old}...{new}")
_BITBUCKET = _Pages("/commits/{new}", "/branches/compare/{new}..{old}")
_FORGES = {
    "github.com": _GITHUB,
    "gitlab.com": _GITLAB,
    "bitbucket.org": _BITBUCKET,
    "codeberg.org": _GITHUB,
    "gitea.com": _GITHUB,
}
_KINDS = {"github": _GITHUB, "gitlab": _GITLAB, "gitea": _GITHUB, "forgejo": _GITHUB}
"""By the first part of the host's name. Bitbucket's own servers name their pages otherwise than bitbucket.org."""


def from_labels(labels: Mapping[str, str]) -> Origin | None:
    """Where an image with these labels (or annotations) comes from; None if they tell nothing that can be believed."""
    return checked(*(labels.get(_KEY + name) for name in ("source", "revision", "version", "created")))


def checked(source: str | None, revision: str | None, version: str | None, created: str | None) -> Origin | None:
    """An origin of those texts that are what they have to be; None if none is.

    SSH addresses (`git@host:path`) become the web page of the same name.
    """
    origin = Origin(
        _source(source or ""), _revision(revision or ""), _name(_VERSION, version or ""), instants.from_text(created)
    )
    return None if origin == Origin() else origin


def revision(origin: Origin) -> str | None:
    """The revision as people name it: the beginning of a commit's id, the whole name of anything else."""
    found = origin.revision
    return found[:_SHOWN_COMMIT] if found is not None and _COMMIT.fullmatch(found) else found


def link(origin: Origin) -> str | None:
    """The page of the commit that an image was built from; None where its forge is not of a kind that is known here."""
    page = _page(origin)
    return None if page is None else page[0] + page[1].commit.format(new=origin.revision)


def compare(old: Origin, new: Origin) -> str | None:
    """The page with what has changed between two commits of one repository; None where there is none."""
    before, page = _page(old), _page(new)
    if page is None or before != page or old.revision == new.revision:
        return None
    return page[0] + page[1].compare.format(old=old.revision, new=new.revision)


def _page(origin: Origin) -> tuple[str, _Pages] | None:
    """The page of the repository, and how its forge names the others; None if that, or the commit, is not known."""
    if origin.source is None or origin.revision is None or not _COMMIT.fullmatch(origin.revision):
        return None
    scheme, _, host, *path = origin.source.split("/")
    forge = _forge(host)
    if forge is None:
        return None
    repository = _repository(path, forge)
    return ("/".join((scheme, "", host, *repository)), forge) if len(repository) > 1 else None


def _forge(host: str) -> _Pages | None:
    if any(host.startswith(f"{known}.") for known in _FORGES):
        return None  # passes itself off as one
    return _FORGES.get(host) or _KINDS.get(host.partition(".")[0])


def _repository(path: list[str], forge: _Pages) -> list[str]:
    """What of a path names the repository: a label may name a folder in it. GitLab's groups nest, and end at a `-`."""
    if forge is not _GITLAB:
        return path[:2]
    return path[: path.index("-")] if "-" in path else path


def _source(text: str) -> str | None:
    web = _SSH.sub(lambda found: f"https://{found['host'] or found['scp']}/", text, count=1)
    found = _SOURCE.fullmatch(web) if len(web) <= _MAX_SOURCE else None
    if found is None:
        return None
    segments = _GIT.sub("", unquote(found["path"])).split("/")[1:]
    if not all(_SEGMENT.fullmatch(each) and each.isprintable() and each.strip(". ") for each in segments):
        return None
    page = "/".join((f"{found['scheme']}://{found['host']}".lower(), *(quote(each, "") for each in segments)))
    return page if len(page) <= _MAX_SOURCE else None


def _revision(text: str) -> str | None:
    name = _name(_REF, text)
    return name.lower() if name is not None and _COMMIT.fullmatch(name.lower()) else name


def _name(kind: re.Pattern[str], text: str) -> str | None:
    return text if len(text) <= _MAX_NAME and kind.fullmatch(text) else None
