"""A Pub/Sub of our own for what Google's emulator does not do, from the client library's own message classes.

It enforces filters, replays what was ordered behind a message that is given back, dead-letters ordered messages,
refuses stale ack ids of exactly-once subscriptions, delivers messages twice and breaks streams when it is told to, and
checks what it is sent. Nothing in it depends on time: leases end when a test says so.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.pubsub_v1 import types
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

_FILTER = re.compile(r'attributes\.(?P<key>\w+) = "(?P<value>[^"]*)"')


@dataclass(eq=False)
class _Copy:
    """A message in one subscription."""

    number: int
    message: types.PubsubMessage
    attempt: int = 0


@dataclass(eq=False)
class _Subscription:
    settings: types.Subscription
    waiting: deque[_Copy] = field(default_factory=deque)
    out: dict[str, _Copy] = field(default_factory=dict)
    ever: dict[str, str] = field(default_factory=dict)


class Double:
    """What it holds, what it was sent, and the ways to make it misbehave."""

    def __init__(self, server: grpc.Server, port: int) -> None:
        self.server = server
        self.address = f"127.0.0.1:{port}"
        self.acked: list[str] = []
        self.nacked: list[str] = []
        self.extended: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.streams: list[types.StreamingPullRequest] = []
        self._topics: set[str] = set()
        self._subscriptions: dict[str, _Subscription] = {}
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._refusal: tuple[grpc.StatusCode, str] | None = None
        self._breaks = 0
        self.refused = 0
        self._may_speak = threading.Event()
        self._may_speak.set()
        self._is_holding_back = False

    def refuse(self, code: grpc.StatusCode | None) -> None:
        """Ends all streams with this error, and each that is opened from now on; with None it serves again."""
        with self._changed:
            self._refusal = None if code is None else (code, f"the double says {code.name}")
            self._breaks += code is not None
            self._changed.notify_all()

    def break_streams(self) -> None:
        """Ends all streams as the service does every now and then. They may be opened again."""
        with self._changed:
            self._breaks += 1
            self._changed.notify_all()

    def expire(self, subscription: str) -> None:
        """All leases end at once: ack ids are stale, and messages are delivered again."""
        with self._changed:
            held = self._subscriptions[subscription]
            for ack_id in list(held.out):
                self._return(held, ack_id)
            self._changed.notify_all()

    def deliver_twice(self, subscription: str) -> None:
        """What is leased now is delivered once more, although its leases go on."""
        with self._changed:
            held = self._subscriptions[subscription]
            held.waiting.extend(held.out.values())
            self._changed.notify_all()

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Inside, nothing is delivered."""
        self._is_holding_back = True
        yield
        with self._changed:
            self._is_holding_back = False
            self._changed.notify_all()

    def leases(self, subscription: str) -> int:
        """How many are in force."""
        return len(self._subscriptions[subscription].out)

    def mute(self) -> None:
        """Publishing is not answered any more, until `speak`."""
        self._may_speak.clear()

    def speak(self) -> None:
        """Publishing is answered again."""
        self._may_speak.set()

    def CreateTopic(self, request: types.Topic, context: Any) -> types.Topic:
        with self._changed:
            self._topics.add(request.name)
        return request

    def CreateSubscription(self, request: types.Subscription, context: Any) -> types.Subscription:
        with self._changed:
            self._subscriptions[request.name] = _Subscription(request)
        return request

    def Publish(self, request: types.PublishRequest, context: Any) -> types.PublishResponse:
        self._may_speak.wait(30)
        with self._changed:
            if self._refusal:
                self.refused += 1
                context.abort(*self._refusal)
            if request.topic not in self._topics:
                context.abort(grpc.StatusCode.NOT_FOUND, "Resource not found")
            ids = [self._publish(request.topic, message) for message in request.messages]
            self._changed.notify_all()
        return types.PublishResponse(message_ids=ids)

    def Acknowledge(self, request: types.AcknowledgeRequest, context: Any) -> empty_pb2.Empty:
        with self._changed:
            held = self._subscriptions[request.subscription]
            stale = [ack_id for ack_id in request.ack_ids if not self._ack(held, ack_id)]
        return _answer(held, stale, context)

    def ModifyAckDeadline(self, request: types.ModifyAckDeadlineRequest, context: Any) -> empty_pb2.Empty:
        seconds = request.ack_deadline_seconds
        with self._changed:
            held = self._subscriptions[request.subscription]
            if seconds != 0 and not 10 <= seconds <= 600:
                self.complaints.append(f"a deadline of {seconds} s")
            stale = [ack_id for ack_id in request.ack_ids if not self._modify(held, ack_id, seconds)]
            self._changed.notify_all()
        return _answer(held, stale, context)

    def Pull(self, request: types.PullRequest, context: Any) -> types.PullResponse:
        with self._changed:
            held = self._subscriptions[request.subscription]
            return types.PullResponse(received_messages=self._leased(held, request.max_messages))

    def StreamingPull(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        first = next(requests)
        ended = threading.Event()
        with self._changed:
            self.streams.append(first)
            held, breaks = self._subscriptions.get(first.subscription), self._breaks
            refusal = self._refusal
        if refusal:
            context.abort(*refusal)
        if held is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "Resource not found")
        threading.Thread(target=self._drain, args=(requests, ended), daemon=True).start()
        context.add_callback(lambda: self._over(ended))
        mine: set[str] = set()

        def is_ready() -> bool:
            return ended.is_set() or self._breaks != breaks or self._room(held, first, mine) > 0

        while not ended.is_set():
            with self._changed:
                self._changed.wait_for(is_ready, 30)
                if self._breaks != breaks:
                    context.abort(*(self._refusal or (grpc.StatusCode.UNAVAILABLE, "the stream is to be opened again")))
                batch = [] if ended.is_set() else self._leased(held, min(100, self._room(held, first, mine)))
                mine.update(received.ack_id for received in batch)
            if batch:
                yield _response(held, batch)

    def _over(self, ended: threading.Event) -> None:
        ended.set()
        with self._changed:
            self._changed.notify_all()

    def _drain(self, requests: Iterator[Any], ended: threading.Event) -> None:
        """Reads heartbeats until the client hangs up."""
        try:
            for request in requests:
                if request.ack_ids or request.modify_deadline_ack_ids:
                    self.complaints.append("acks in the stream")
        except grpc.RpcError:
            pass
        self._over(ended)

    def _room(self, held: _Subscription, first: Any, mine: set[str]) -> int:
        most = first.max_outstanding_messages or 1000
        return 0 if self._is_holding_back else min(len(held.waiting), most - len(mine & held.out.keys()))

    def _leased(self, held: _Subscription, count: int) -> list[types.ReceivedMessage]:
        batch = []
        for _ in range(min(count, len(held.waiting))):
            copy = held.waiting.popleft()
            copy.attempt += 1
            ack_id = f"{copy.message.message_id}/{next(self._numbers)}"
            held.out[ack_id], held.ever[ack_id] = copy, copy.message.message_id
            attempt = copy.attempt if held.settings.dead_letter_policy.dead_letter_topic else 0
            batch.append(types.ReceivedMessage(ack_id=ack_id, message=copy.message, delivery_attempt=attempt))
        return batch

    def _publish(self, topic: str, message: types.PubsubMessage) -> str:
        number = next(self._numbers)
        message.message_id = str(number)
        message.publish_time = {"seconds": 1_800_000_000 + number}
        for held in self._subscriptions.values():
            if held.settings.topic == topic and _passes(held.settings.filter, message):
                held.waiting.append(_Copy(number, types.PubsubMessage(message)))
        return message.message_id

    def _ack(self, held: _Subscription, ack_id: str) -> bool:
        """Whether the lease was still in force."""
        if ack_id not in held.ever:
            self.complaints.append(f"an ack id that was never given: {ack_id}")
        copy = held.out.pop(ack_id, None)
        if copy is not None:
            self.acked.append(copy.message.message_id)
            self._changed.notify_all()
        return copy is not None

    def _modify(self, held: _Subscription, ack_id: str, seconds: int) -> bool:
        if ack_id not in held.ever:
            self.complaints.append(f"an ack id that was never given: {ack_id}")
        if ack_id not in held.out:
            return False
        if seconds:
            self.extended[held.ever[ack_id]] += 1
        else:
            self.nacked.append(held.ever[ack_id])
            self._return(held, ack_id)
        return True

    def _return(self, held: _Subscription, ack_id: str) -> None:
        """A lease has ended without an ack; with ordering, so have those of the messages behind it."""
        copy = held.out.pop(ack_id, None)
        if copy is None:
            return
        key = copy.message.ordering_key if held.settings.enable_message_ordering else ""
        behind = [a for a, c in held.out.items() if key and c.message.ordering_key == key and c.number > copy.number]
        again = {copy, *(held.out.pop(each) for each in behind)}
        policy = held.settings.dead_letter_policy
        if policy.dead_letter_topic and copy.attempt >= policy.max_delivery_attempts:
            again.remove(copy)
            self._publish(policy.dead_letter_topic, types.PubsubMessage(copy.message))
        held.waiting = deque(sorted({*held.waiting, *again}, key=lambda each: each.number))


def _response(held: _Subscription, batch: list[types.ReceivedMessage]) -> types.StreamingPullResponse:
    properties = {
        "exactly_once_delivery_enabled": held.settings.enable_exactly_once_delivery,
        "message_ordering_enabled": held.settings.enable_message_ordering,
    }
    return types.StreamingPullResponse(received_messages=batch, subscription_properties=properties)


def _passes(rule: str, message: types.PubsubMessage) -> bool:
    found = _FILTER.fullmatch(rule)
    return found is None or message.attributes.get(found["key"]) == found["value"]


def _answer(held: _Subscription, stale: list[str], context: Any) -> empty_pb2.Empty:
    """Exactly-once subscriptions are told which ack ids are stale; others never are."""
    if stale and held.settings.enable_exactly_once_delivery:
        told = dict.fromkeys(stale, "PERMANENT_FAILURE_INVALID_ACK_ID")
        info = error_details_pb2.ErrorInfo(reason="EXACTLY_ONCE_ACKID_FAILURE", domain="pubsub", metadata=told)
        packed = any_pb2.Any()
        packed.Pack(info)
        status = status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message="stale ack ids", details=[packed])
        context.abort_with_status(rpc_status.to_status(status))
    return empty_pb2.Empty()


@contextmanager
def double() -> Iterator[Double]:
    """A running double."""
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.max_receive_message_length", -1)])
    made = Double(server, server.add_insecure_port("127.0.0.1:0"))
    server.add_generic_rpc_handlers(
        (
            _service("Publisher", (made.CreateTopic, types.Topic), (made.Publish, types.PublishRequest)),
            _service(
                "Subscriber",
                (made.CreateSubscription, types.Subscription),
                (made.Acknowledge, types.AcknowledgeRequest),
                (made.ModifyAckDeadline, types.ModifyAckDeadlineRequest),
                (made.Pull, types.PullRequest),
                (made.StreamingPull, types.StreamingPullRequest),
            ),
        )
    )
    server.start()
    try:
        yield made
    finally:
        made.speak()
        made.break_streams()
        server.stop(0).wait(5)


def _service(name: str, *methods: tuple[Callable[..., Any], Any]) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        f"google.pubsub.v1.{name}", {method.__name__: _handler(method, request) for method, request in methods}
    )


def _handler(method: Callable[..., Any], request: Any) -> grpc.RpcMethodHandler:
    is_stream = method.__name__ == "StreamingPull"
    make = grpc.stream_stream_rpc_method_handler if is_stream else grpc.unary_unary_rpc_method_handler
    return make(method, request.deserialize, _serialised)


def _serialised(answer: Any) -> bytes:
    serialize = getattr(type(answer), "serialize", None)
    return bytes(serialize(answer) if serialize else answer.SerializeToString())
