"""Taking secrets out of texts: those that are known, however they are written, and what looks like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST = 4
"""A shorter secret is none: taking it out would spoil every other word, and tell what it is."""
DEEPEST = 8
"""How deep values may be nested; what is deeper is shown as text."""
_NAMES = re.compile(r"UPDATER_\w*(?:SECRET|TOKEN|PASSWORD|KEY)")
_LINE_OF_KEY = 16
_TOKEN = 20
"""Letters at the least; names of users are shorter."""
_ESCAPE = re.compile("%[0-9A-F]{2}")
_LIKE_SECRETS = (
    (("-----begin",), r"-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", MASK),
    (("://",), r"(?<=://)[^\s/?#:@]*:[^\s/?#]*@|(?:(?<=http://)|(?<=https://))[^\s/?#]*@", f"{MASK}@"),
    (("authorization", "cookie"), r"((?:authorization|cookie)[\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+", rf"\1{MASK}"),
    (("bearer", "basic"), r"\b(bearer|basic)(\s+)(?=[^\s,;\"']*[0-9=_])[^\s,;\"']{8,}", rf"\1\2{MASK}"),
    (("gh", "github_pat_", "glpat-", "ya29."), r"(?<!\w)(?:gh[a-z]_|github_pat_|glpat-|ya29\.)[\w.-]{16,}", MASK),
    (("eyj",), r"(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?", MASK),
    (("sha",), r"\b(sha(?:1|256|512)=)[0-9a-f]{40,128}", rf"\1{MASK}"),
    (("=",), r"((?:password|secret|token|signature|\bsig|api_?key)=)[^\s&;,\"']+", rf"\1{MASK}"),
)
"""What may be one: a word (one of these, in small letters) without which it is not worth looking; the pattern; what
stands in its place. Each is linear in the length of the text."""
_PATTERNS = [(hints, re.compile(text, re.DOTALL | re.IGNORECASE), instead) for hints, text, instead in _LIKE_SECRETS]


@dataclass(frozen=True, slots=True)
class Mask:
    """Takes secrets out of texts. `forms` are the ways in which known ones may be written, the longest first."""

    forms: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text with `***` in the place of each secret."""
        for form in self.forms:
            if form in text:
                text = text.replace(form, MASK)
        small = text.lower()
        for hints, pattern, instead in _PATTERNS:
            if any(hint in small for hint in hints):
                text = pattern.sub(instead, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """The same for a value with all that is in it. What JSON has no type for becomes text."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping) and depth < DEEPEST:
            return {self.text(str(key)): self.value(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
            return [self.value(each, depth + 1) for each in value]
        text = str(value)
        masked = self.text(text)
        return value if isinstance(value, int | float) and masked == text else masked


def mask(secrets: Iterable[str]) -> Mask:
    """What takes these secrets out, and whatever looks like one."""
    forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
    return Mask(tuple(sorted(forms, key=lambda form: (-len(form), form))))


def names(environ: Iterable[str]) -> list[str]:
    """The variables among these that hold a secret, or (`*_FILE`) the name of a file with one; without `_FILE`."""
    return sorted({name.removesuffix("_FILE") for name in environ if _NAMES.match(name)})


def in_address(text: str) -> list[str]:
    """The password in a URL, or the token in the place of a user; as it is written there and as it is meant."""
    try:
        parts = urlsplit(text) if "://" in text else None
        user, password = (parts.username or "", parts.password) if parts else ("", None)
    except ValueError:
        return []
    secret = password or (user if len(user) >= _TOKEN else None)
    return [secret, unquote(secret)] if secret else []


def _parts(secret: str) -> Iterator[str]:
    """A secret, those in a list of them, and the lines of a key, which may be torn apart on the way."""
    whole = secret.strip()
    lines = whole.replace("\\n", "\n").splitlines()
    yield from (part for part in {whole, *map(str.strip, whole.split(","))} if len(part) >= SHORTEST)
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LINE_OF_KEY and not line.startswith("-----"))


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, as in JSON and Python's own quotes, in a URL, and in base64, where something may stand before
    it (`user:`)."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    content = secret.encode(errors="surrogatepass")
    for form in (quote(content, safe=""), quote(content), quote_plus(content)):
        yield form
        yield _ESCAPE.sub(lambda escape: escape[0].lower(), form)
    for before in range(3):
        for alphabet in (b"+/", b"-_"):
            yield from _in_base64(content, before, alphabet)


def _in_base64(content: bytes, before: int, alphabet: bytes) -> Iterator[str]:
    """The letters of base64 that depend on nothing else, where so many bytes stand `before` in a group of three."""
    encoded = base64.b64encode(bytes(before) + content, alphabet).decode().rstrip("=")
    first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
    if last - first > SHORTEST:
        yield encoded[first:last]
