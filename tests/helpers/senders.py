"""Senders who can prove who they are: Google with its keys, Amazon with its certificate; and whoever imitates them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

from updater.admission import Request
from updater.admission.sns import signed_text
from updater.errors import UpdaterError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AUDIENCE = "https://updater.example.org/hooks/pubsub"
EMAIL = "push@acme.iam.gserviceaccount.com"
CERTS = "https://www.googleapis.com/oauth2/v3/certs"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:pushes"
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
TOKEN = "2336412f37fb"
SUBSCRIBE_URL = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}"

T = TypeVar("T")


def run(waiting: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return asyncio.run(waiting)


def request(
    source: str,
    headers: Mapping[str, str] | None = None,
    *,
    path: str | None = None,
    peer: str = "192.0.2.7",
    method: str = "POST",
) -> Request:
    """A request as the web part sees it."""
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Request(source, method, lower, path, peer)


class Clock:
    """A time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Internet:
    """Documents by URL; remembers what was asked for. What is not there cannot be had."""

    def __init__(self, documents: Mapping[str, bytes] | None = None) -> None:
        self.documents = dict(documents or {})
        self.asked: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.documents:
            raise UpdaterError(f"{url} did not answer")
        return self.documents[url]


@cache
def key(name: str = "k1", bits: int = 2048) -> RSAPrivateKey:
    """A private key that is the same all the time."""
    assert name
    return generate_private_key(65537, bits)


def key_set(keys: Iterable[tuple[str, RSAPrivateKey]]) -> bytes:
    """What Google publishes of its keys."""
    listed = [{**RSAAlgorithm.to_jwk(each.public_key(), as_dict=True), "kid": kid, "use": "sig"} for kid, each in keys]
    return json.dumps({"keys": listed}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; a change to None takes a claim out."""
    now = int(NOON.timestamp())
    good = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": EMAIL, "email_verified": True, "sub": "1"}
    return {k: v for k, v in {**good, "iat": now, "exp": now + 3600, **changes}.items() if v is not None}


def token(said: Mapping[str, Any] | None = None, *, kid: str = "k1", signer: RSAPrivateKey | None = None) -> str:
    """A token with these claims, signed by the key `k1` unless another is given."""
    return jwt.encode(dict(said or claims()), signer or key(), algorithm="RS256", headers={"kid": kid})


@cache
def certificate(signer: RSAPrivateKey, since: datetime = NOON - timedelta(days=30), days: int = 365) -> bytes:
    """A certificate of a key, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder(name, name, signer.public_key(), 1, since, since + timedelta(days=days))
    return built.sign(signer, SHA256()).public_bytes(Encoding.PEM)


def notification(**changes: Any) -> dict[str, Any]:
    """A message of SNS, not signed yet; a change to None takes a field out."""
    good = {
        "Type": "Notification",
        "MessageId": "da41e39f-ea4d-435a-b922-c6aae3915ebe",
        "TopicArn": TOPIC,
        "Subject": "a push",
        "Message": '{"detail": {"image-tag": "1.4.0"}}',
        "Timestamp": "2026-11-20T11:59:58.123Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def confirmation(**changes: Any) -> dict[str, Any]:
    """The message by which SNS asks whether a topic may send."""
    asked = {"Type": "SubscriptionConfirmation", "Subject": None, "Token": TOKEN, "SubscribeURL": SUBSCRIBE_URL}
    return notification(**{**asked, **changes})


def signed(message: Mapping[str, Any], signer: RSAPrivateKey | None = None) -> dict[str, Any]:
    """The message with Amazon's signature, of the version that it names."""
    text = signed_text(message)
    assert text is not None
    hash_ = SHA1() if message["SignatureVersion"] == "1" else SHA256()
    signature = (signer or key()).sign(text, PKCS1v15(), hash_)
    return {**message, "Signature": base64.b64encode(signature).decode()}


def sns_request(message: Mapping[str, Any], **headers: str) -> tuple[Request, bytes]:
    """A message as SNS sends it: the request and its body."""
    told = {"x-amz-sns-message-type": str(message.get("Type")), "x-amz-sns-topic-arn": TOPIC, **headers}
    return request("ecr", told), json.dumps(message).encode()
