"""A certificate authority of one's own, for servers on this machine that speak TLS."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; whoever trusts the file `ca` trusts them.

    Nothing else lies beside `ca`, since programs take a folder of authorities as well.
    """

    def __init__(self, folder: Path) -> None:
        self._issued = folder / "issued"
        self._issued.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.crt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = common_name("an authority for tests")
        usage = x509.KeyUsage(*(purpose in ("sign certificates", "sign lists") for purpose in PURPOSES))
        builder = _certificate(self._name, self._key.public_key(), _today(), _today() + 30 * DAY)
        builder = builder.issuer_name(self._name).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        self.ca.write_bytes(builder.add_extension(usage, True).sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def certificate(self, *names: str, expired: bool = False) -> tuple[Path, Path]:
        """The files of a certificate for host names and addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = _today() - 2 * DAY if expired else _today() + 20 * DAY
        builder = _certificate(common_name(names[0]), key.public_key(), end - 25 * DAY, end).issuer_name(self._name)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(issuer, False)
        )
        signed = builder.sign(self._key, hashes.SHA256())
        place = self._issued / f"{signed.serial_number:x}"
        place.with_suffix(".crt").write_bytes(signed.public_bytes(PEM))
        place.with_suffix(".key").write_bytes(private_pem(key))
        return place.with_suffix(".crt"), place.with_suffix(".key")


PEM = Encoding.PEM
PURPOSES = (
    *("sign", "vouch for content", "encipher keys", "encipher data", "agree on keys"),
    *("sign certificates", "sign lists", "only encipher", "only decipher"),
)
"""What a key may be for, in the order of RFC 5280, section 4.2.1.3."""


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def private_pem(key: PrivateKeyTypes) -> bytes:
    """A private key as an unencrypted PEM."""
    return key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption())


def _today() -> datetime:
    """Long enough ago for every clock on this machine."""
    return datetime.now(UTC) - DAY


def _certificate(
    name: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(name).public_key(key).serial_number(x509.random_serial_number())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return builder.not_valid_before(begin).not_valid_after(end).add_extension(identifier, False)


def _alternative(name: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)
