"""Public keys of cosign, and whether they made a signature.

Source: cosign's SIGNATURE_SPEC.md, "Signature Schemes": ECDSA on the curve P-256 with SHA-256, in ASN.1 DER.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Verifier: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether a signature is one key's signature of a content."""


def verifier(pem: bytes) -> Verifier:
    """What verifies with a public key (PEM). Raises `ValueError` where it is no key of ECDSA on the curve P-256."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no public key in PEM") from None  # what could not be read may be a secret
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("it is no key of ECDSA on the curve P-256")

    def made(signature: bytes, content: bytes) -> bool:
        try:
            key.verify(signature, content, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return made
