"""Proofs that are made with the secret of a source: signatures of the body, tokens in headers, and the path.

Sources: the web hook pages of GitHub, Gitea, Forgejo, GitLab, Sonatype Nexus, JFrog Artifactory and Harbor; Flux,
"Providers", generic-hmac. A secret is compared in constant time, and with each of a source's secrets, whether or not
one before it was right.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from updater.admission.proof import NOTHING, PROVED, UNREAD, Finding, Request

PATHS = frozenset({"aliyun", "docker-hub", "quay"})
"""The sources whose senders can show a secret in the path only."""

_BAD_SIGNATURE = Finding("wrong", "its signature does not fit")
_BAD_TOKEN = Finding("wrong", "its token or password is not the secret of the source")
_HEX = re.compile(r"[0-9a-f]+")
_SCHEMES = ("bearer", "token")

# By header: the hash that each prefix of a signature stands for.
_HUB = {"x-hub-signature-256": {"sha256=": "sha256"}}
_FLUX = {"x-signature": {"sha256=": "sha256", "sha384=": "sha384", "sha512=": "sha512"}}
_GITEA = {"x-gitea-signature": {"": "sha256"}, **_HUB}
_SIGNATURES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "artifactory": {"x-jfrog-event-auth": {"": "sha256"}},
    "forgejo": {"x-forgejo-signature": {"": "sha256"}, **_GITEA},
    "ghcr": _HUB,
    "gitea": _GITEA,
    "github": _HUB,
    "nexus": {"x-nexus-webhook-signature": {"": "sha1"}},  # it knows no other hash
}
_ANY_OTHER = {**_HUB, **_FLUX}
_TOKENS = ("x-api-key", "x-updater-token")
_EITHER = "x-jfrog-event-auth"
_OWN_TOKENS = {"artifactory": (_EITHER,), "gitlab": ("x-gitlab-token",)}


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a source, one or two, as a `Proof`.

    A signature that is shown has to be right, whatever else is shown. An empty one counts as none: Gitea sends that
    where no secret is set.
    """

    source: str
    secrets: Sequence[bytes] = field(repr=False)

    @property
    def told(self) -> str:
        """See `Proof`."""
        if self.source in PATHS:
            return "its secret in the path, or in a header"
        return f"its secret in a header, or a signature in {' or '.join(map(str.title, self._kinds()))}"

    def before_body(self, request: Request) -> Finding:
        """See `Proof`."""
        signatures = self._signatures(request)
        if signatures:
            return UNREAD if all(map(self._is_readable, signatures)) else _BAD_SIGNATURE
        tokens = self._tokens(request)
        if not tokens:
            return NOTHING
        return PROVED if any([self._is_secret(token) for token in tokens]) else _BAD_TOKEN

    async def with_body(self, request: Request, body: bytes) -> Finding:
        """See `Proof`."""
        found = self.before_body(request)
        if found.state != "unread":
            return found
        are_right = [self._is_signed(header, value, body) for header, value in self._signatures(request)]
        return PROVED if all(are_right) else _BAD_SIGNATURE

    def _kinds(self) -> Mapping[str, Mapping[str, str]]:
        return _SIGNATURES.get(self.source, _ANY_OTHER)

    def _signatures(self, request: Request) -> Sequence[tuple[str, str]]:
        """The headers that sign the body. What Artifactory sends there may be the secret itself, which is a token."""
        shown = [(header, request.headers.get(header, "")) for header in self._kinds()]
        return [(h, value) for h, value in shown if value and not (h == _EITHER and self._is_secret(value))]

    def _is_readable(self, signature: tuple[str, str]) -> bool:
        header, value = signature
        return any(value.startswith(prefix) and _HEX.fullmatch(value, len(prefix)) for prefix in self._kinds()[header])

    def _is_signed(self, header: str, value: str, body: bytes) -> bool:
        expected = [
            prefix + hmac.new(secret, body, hash_name).hexdigest()
            for prefix, hash_name in self._kinds()[header].items()
            if value.startswith(prefix)
            for secret in self.secrets
        ]
        return any([hmac.compare_digest(value, each) for each in expected])

    def _is_secret(self, value: str) -> bool:
        shown = value.encode("latin-1", "backslashreplace")
        return any([hmac.compare_digest(shown, secret) for secret in self.secrets])

    def _tokens(self, request: Request) -> Sequence[str]:
        """All that may be the secret itself."""
        shown = [request.headers.get(name) for name in (*_TOKENS, *_OWN_TOKENS.get(self.source, ()))]
        path = request.path_secret if self.source in PATHS else None
        return [token for token in (*shown, _authorization(request.headers), path) if token]


def _authorization(headers: Mapping[str, str]) -> str:
    """The token or password of the header Authorization, in each way in which senders write it."""
    whole = headers.get("authorization", "")
    scheme, _, rest = whole.partition(" ")
    if scheme.lower() == "basic":
        return _password(rest.strip()) or whole
    # Harbor sends just what it was given.
    return rest.strip() if scheme.lower() in _SCHEMES else whole


def _password(text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        return ""
    return decoded.partition(b":")[2].decode("latin-1")
