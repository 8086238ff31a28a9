"""Where an answer sends us: the next page of a list, or another address."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from updater.core.urls import is_safe

_LONGEST = 16_384
_PARAMETER = r""";\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s",;]*)))?\s*"""
_PARAMETERS = re.compile(_PARAMETER)
_LINK = re.compile(rf"[\s,]*<([^<>]*)>\s*((?:{_PARAMETER})*)")
_DEFAULT_PORTS = {"https": 443, "http": 80}


def next_page(header: str) -> str | None:
    """The target of the first link in a `Link` header (RFC 8288, section 3) that leads to the next page, as it is."""
    at = 0
    while len(header) <= _LONGEST and (link := _LINK.match(header, at)):
        at = link.end()
        if "next" in _relations(link[2]):
            return link[1]
    return None


def query_of_page(url: str, target: str) -> str | None:
    """The query of a link's target, relative to `url`; None where that is no page of the same list.

    A proxy that takes off TLS makes registries write `http` into their links, so host and path decide, and port where
    there is one in the link.
    """
    here = urlsplit(url)
    try:
        there = urlsplit(urljoin(url, target))
        is_same = (there.hostname, there.path) == (here.hostname, here.path) and there.port in (None, here.port)
    except ValueError:
        return None
    return there.query if is_same and _is_plain(target) else None


def redirected(url: str, location: str) -> str | None:
    """Where the server at `url` sends us (RFC 9110, section 10.2.2); None where nobody should go.

    That is what anybody on the way could read, this machine in the clear unless we are there already, and an address
    with a login in it.
    """
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        is_address = parts.port != 0
        is_hidden = parts.scheme == "https" or is_safe(f"http://{urlsplit(url).netloc}")
    except ValueError:
        return None
    is_good = is_address and is_hidden and is_safe(target) and _is_plain(target) and "@" not in parts.netloc
    return target if is_good else None


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: who is to see a login for one sees it for all addresses of the same origin."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _relations(parameters: str) -> list[str]:
    for name, quoted, plain in _PARAMETERS.findall(parameters):
        if name.lower() == "rel":
            return f"{quoted or plain}".lower().split()
    return []


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url
