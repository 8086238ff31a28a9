"""Amazon SNS: bodies signed by Amazon, from topics on a list.

Source: "Verifying the signatures of Amazon SNS messages" and "Parsing Amazon SNS message formats" in the Amazon SNS
Developer Guide. Certificate and confirmation are asked for at addresses of exactly the shape that SNS has: other paths
of the same host answer what a stranger likes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate

from updater.admission.documents import Shelf
from updater.admission.proof import NOTHING, PROVED, UNREAD, Finding, Request

TYPE = "x-amz-sns-message-type"

_OF_A_MESSAGE = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OF_A_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": _OF_A_MESSAGE,
    "SubscriptionConfirmation": _OF_A_CONFIRMATION,
    "UnsubscribeConfirmation": _OF_A_CONFIRMATION,
}
_MANY_LINES = ("Message", "Subject")
_HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303
_HOST = r"https://sns\.[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(_HOST + r"/SimpleNotificationService-[0-9A-Za-z]+\.pem")
_SUBSCRIBE = re.compile(_HOST + r"/\?[^#\s]+")
_OLDEST = timedelta(hours=2)  # SNS tries for an hour
_AHEAD = timedelta(minutes=5)

_NOT_SIGNED = Finding("wrong", "its body is not signed by Amazon SNS")
_OTHER_TOPIC = Finding("wrong", "its topic is not in UPDATER_SNS_TOPICS")
_NO_CERTIFICATE = Finding("unable", "Amazon's certificate cannot be had to check its signature")
_NOT_OF_NOW = Finding("wrong", "its message is hours old, or of the future (is the clock of this machine right?)")


class Notifications:
    """Messages of these topics, as a `Proof`."""

    told = "Amazon's signature on a message of a topic in UPDATER_SNS_TOPICS"

    def __init__(self, topics: Collection[str], certificates: Shelf[Certificate], now: Callable[[], datetime]) -> None:
        self._topics = topics
        self._certificates = certificates
        self._now = now

    def before_body(self, request: Request) -> Finding:
        """See `Proof`. A raw delivery carries no signature."""
        if TYPE not in request.headers or request.headers.get("x-amz-sns-rawdelivery") == "true":
            return NOTHING
        return UNREAD if request.headers.get("x-amz-sns-topic-arn") in self._topics else _OTHER_TOPIC

    async def with_body(self, request: Request, body: bytes) -> Finding:
        """See `Proof`."""
        found = self.before_body(request)
        return found if found.state != "unread" else await self.check(read_message(body))

    async def check(self, message: Mapping[str, str]) -> Finding:
        """Whether a message is of one of the topics, of now, and signed by Amazon."""
        if message.get("TopicArn") not in self._topics:
            return _OTHER_TOPIC
        text, signature = signed_text(message), _signature(message)
        hash_ = _HASHES.get(message.get("SignatureVersion", ""))
        url = message.get("SigningCertURL", "")
        if text is None or hash_ is None or not _CERTIFICATE.fullmatch(url):
            return _NOT_SIGNED
        if not self._is_of_now(message["Timestamp"]):
            return _NOT_OF_NOW
        certificate = self._certificates.kept(url) or await self._certificates.renewed(url)
        if certificate is None:
            return _NO_CERTIFICATE
        return PROVED if _is_signed(certificate, signature, text, hash_, self._now()) else _NOT_SIGNED

    def _is_of_now(self, timestamp: str) -> bool:
        try:
            return -_AHEAD <= self._now() - datetime.fromisoformat(timestamp) <= _OLDEST
        except (ValueError, TypeError):
            return False


def read_message(body: bytes) -> Mapping[str, str]:
    """The texts in a message; none where the body is no message."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    fields = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}


def signed_text(message: Mapping[str, str]) -> bytes | None:
    """What Amazon signs of a message, or None where it has not the fields of one.

    Fields are lines, so what is one line has to be one: else the same text could be read as other fields.
    """
    names = _SIGNED.get(message.get("Type", ""), ())
    signed = {name: message[name] for name in names if name in message}
    is_whole = all(name in signed or name == "Subject" for name in names)
    are_lines = all(value.isprintable() for name, value in signed.items() if name not in _MANY_LINES)
    if not signed or not is_whole or not are_lines:
        return None
    return "".join(f"{name}\n{value}\n" for name, value in signed.items()).encode("utf-8", "backslashreplace")


def confirmation_url(message: Mapping[str, str]) -> str | None:
    """Where a subscription is confirmed, if that is SNS and the address does nothing else."""
    url = message.get("SubscribeURL", "")
    if not _SUBSCRIBE.fullmatch(url):
        return None
    asked = sorted(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    allowed = [
        ("Action", "ConfirmSubscription"),
        ("Token", message.get("Token")),
        ("TopicArn", message.get("TopicArn")),
    ]
    return url if asked == allowed else None


def read_certificate(document: bytes) -> Certificate:
    """A certificate in PEM. Raises `ValueError` where it is none."""
    return load_pem_x509_certificate(document)


def _signature(message: Mapping[str, str]) -> bytes:
    try:
        return base64.b64decode(message.get("Signature", ""), validate=True)
    except ValueError:
        return b""


def _is_signed(certificate: Certificate, signature: bytes, text: bytes, hash_: HashAlgorithm, now: datetime) -> bool:
    key = certificate.public_key()
    is_good = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    if not is_good or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, text, PKCS1v15(), hash_)
    except InvalidSignature:
        return False
    return True
