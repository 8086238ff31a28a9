"""Which URLs may be asked, and given what is secret."""

from __future__ import annotations

from urllib.parse import urlsplit

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def is_safe(url: str) -> bool:
    """Whether nobody on the way reads along: https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_here = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    return bool(parts.hostname) and (parts.scheme == "https" or is_here)
