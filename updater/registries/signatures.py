"""Whether an image is signed with one of these keys.

Cosign's signatures are looked for where cosign puts them: at the tag made of the image's digest, then among what refers
to the image. Whoever may push there may put anything there, so no more is read than an honest signer needs. What a
registry does not answer is never taken for a signature that is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Protocol

from updater.core import simple_signing
from updater.core.oci import Descriptor
from updater.core.simple_signing import Signature
from updater.registries.answers import Served
from updater.registries.keys import Verifier, verifier

MAX_SIGNATURES = 64
MAX_PAYLOAD = 64 * 1024
_MAX_TOLD = 3

_BUNDLED = "in a bundle of sigstore's, which is not read (`cosign sign --new-bundle-format=false` makes what is)"
_GONE = "that is listed and is not there"
_NOT_BASE64 = "not written in base64"
_NOT_OURS = "by no key of `signed-by`"
_OTHER_SUBJECT = "that refers to another image"


class Store(Protocol):
    """What a registry is asked here, as `Client` answers it. All of it may raise `RegistryError`."""

    def manifest(self, repository: str, reference: str) -> Served | None: ...

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes: ...

    def referrers(self, repository: str, digest: str) -> Sequence[Descriptor]: ...


def objection(store: Store, repository: str, digest: str, keys: Sequence[bytes]) -> str | None:
    """Why an image does not count as signed with one of the keys (PEM); None if it does.

    The reason goes on after the image's name ("is not signed"), and is the same as long as the registry holds the same.
    Raises `RegistryError` where the registry does not answer, or lies.
    """
    try:
        verifiers = [verifier(key) for key in keys]
    except ValueError as error:
        return f"cannot be checked with a key of `signed-by`: {error}"
    payload = cache(lambda named: store.blob(repository, named, MAX_PAYLOAD))
    flaws = []
    for found in islice(_found(store, repository, digest), MAX_SIGNATURES):
        flaw = found if isinstance(found, str) else _flaw(found, digest, verifiers, payload)
        if flaw is None:
            return None
        flaws.append(flaw)
    return _told(flaws)


def _found(store: Store, repository: str, digest: str) -> Iterator[Signature | str]:
    """The signatures of an image, and what is wrong with what should be one. Asks for no more than is taken."""
    at_tag = store.manifest(repository, simple_signing.tag(digest))
    if at_tag is not None:
        yield from _signatures(at_tag.content)
    referrers = store.referrers(repository, digest)
    signing = (each for each in referrers if each.artifact_type == simple_signing.ARTIFACT_TYPE)
    for each in islice(signing, MAX_SIGNATURES):
        served = store.manifest(repository, each.digest)
        yield from (_GONE,) if served is None else _signatures(served.content, digest)
    yield from (_BUNDLED for each in referrers if (each.artifact_type or "").startswith(simple_signing.BUNDLE))


def _signatures(content: bytes, subject: str | None = None) -> Iterator[Signature | str]:
    """What a manifest holds; one that is found as referring to `subject` has to say so itself."""
    try:
        manifest = simple_signing.read(content)
    except ValueError as error:
        yield f"that cannot be read: {error}"
        return
    if subject is not None and (manifest.subject is None or manifest.subject.digest != subject):
        yield _OTHER_SUBJECT
        return
    yield from simple_signing.signatures(manifest)


def _flaw(
    signature: Signature, digest: str, verifiers: Sequence[Verifier], payload: Callable[[str], bytes]
) -> str | None:
    """Why a signature does not count for a digest; None if it does. Nothing of what is signed is read before."""
    if signature.value is None:
        return _NOT_BASE64
    if signature.payload.size > MAX_PAYLOAD:
        return f"of more than {MAX_PAYLOAD} bytes"
    signed = payload(signature.payload.digest)
    if not any(made(signature.value, signed) for made in verifiers):
        return _NOT_OURS
    try:
        named = simple_signing.signed_digest(signed)
    except ValueError as error:
        return f"that cannot be read: {error}"
    return None if named == digest else f"of another image, {named}"


def _told(flaws: Sequence[str]) -> str:
    """The reason for people, as short if there are many signatures."""
    if not flaws:
        return "is not signed"
    counted = [f"{count} {flaw}" for flaw, count in sorted(Counter(flaws).items())]
    more = ["…"] if len(counted) > _MAX_TOLD else []
    return f"has no signature that counts: {', '.join(counted[:_MAX_TOLD] + more)}"
