"""The public keys that `signed-by` names, found in the GitOps repository.

They are what `cosign generate-key-pair` writes to cosign.pub: RFC 7468, section 13 ("PUBLIC KEY"), with a key of ECDSA
on the curve P-256 in it (RFC 5480, section 2.1). Nothing of a file that is something else is shown: it may be secret.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator

from updater.core.environment import Configuration, Follow, NamedEnvironment
from updater.errors import ConfigurationError
from updater.protocols import Tree

MAX_BYTES = 16 * 1024

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----")
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""How every such key begins, before the 64 bytes of its point."""
_LENGTH = len(_P256) + 64
_HINT = "name the cosign.pub of `cosign generate-key-pair`, from the root of the repository or from beside this file"


def keys(tree: Tree, environment: NamedEnvironment, follow: Follow) -> tuple[bytes, ...]:
    """The keys (PEM) of which one has to have signed what a rule lets in; none where it lets in what is not signed.

    Raises `ConfigurationError` where one of them is not there or is no such key.
    """
    if follow.signed_by is None:
        return ()
    named = follow.signed_by.key
    return tuple(_read(tree, environment, path) for path in ((named,) if isinstance(named, str) else named))


def problems(tree: Tree, configuration: Configuration) -> Iterator[ConfigurationError]:
    """What is wrong with the keys of all rules, the first thing of each rule."""
    for environment in configuration.environments:
        for follow in environment.settings.follow:
            try:
                keys(tree, environment, follow)
            except ConfigurationError as error:
                yield error


def check(pem: bytes) -> None:
    """Raises `ValueError` where a file is not one public key that can be used: what it is instead, after its name."""
    if len(pem) > MAX_BYTES:
        raise ValueError(f"has {len(pem)} bytes; up to {MAX_BYTES} are read")
    labels = _BEGIN.findall(pem)
    if any(label.endswith(b"PRIVATE KEY") for label in labels):
        raise ValueError("holds a private key: make a new pair, since whoever can read the repository has this one")
    if len(labels) > 1:
        raise ValueError(f"holds {len(labels)} keys: give each a file of its own, and list them")
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("holds no public key in PEM (-----BEGIN PUBLIC KEY-----)")
    if not _is_p256(block[1]):
        raise ValueError("holds another key than one of ECDSA on the curve P-256")


def _read(tree: Tree, environment: NamedEnvironment, path: str) -> bytes:
    try:
        content = tree.read(_place(tree, environment, path))
        check(content)
    except ValueError as error:
        raise ConfigurationError(f"the key {path[:80]!r} {error}", at=environment.at("follow"), hint=_HINT) from error
    return content


def _place(tree: Tree, environment: NamedEnvironment, path: str) -> str:
    """Where the file is: links are not followed, and nothing outside of the repository is ever reached."""
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError("is no plain path inside the repository")
    for place in (path, posixpath.join(posixpath.dirname(environment.path), path)):
        node = tree.node(place)
        if node is not None and node.kind != "file":
            raise ValueError(f"is a {node.kind}, where a file has to be")
        if node is not None:
            return place
    raise ValueError("is not in the repository")


def _is_p256(text: bytes) -> bool:
    try:
        der = base64.b64decode(b"".join(text.split()), validate=True)
    except ValueError:
        return False
    return len(der) == _LENGTH and der.startswith(_P256)
