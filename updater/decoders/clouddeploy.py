"""Google Cloud Deploy: notifications of rollouts and approvals, as results of gates of what stands in its target.

Source: "Use Pub/Sub to subscribe to Cloud Deploy notifications" of its documentation, topics `clouddeploy-operations`
and `clouddeploy-approvals`. A message has no data, only attributes, so a push subscription has to wrap it. Its target
is our environment, without the pipeline's name before it; its delivery pipeline is our service.
"""

from __future__ import annotations

from collections.abc import Mapping

from updater.core.pushes import shown, stranger
from updater.core.reports import State, reported
from updater.model import Decoded, Message

_DIALECT = "a Cloud Deploy notification with the attributes `Action` and `DeliveryPipelineId`"
_APPROVALS: Mapping[str, State] = {"Required": "pending", "Approved": "success", "Rejected": "failure"}
_ROLLOUTS: Mapping[str, State] = {
    "Start": "pending",
    "Succeed": "success",
    "Failure": "failure",
    "Terminated": "failure",
    "Cancelled": "failure",
}


def decode(message: Message) -> Decoded:
    """How a rollout or an approval went. Raises `EventError` for what is no such notification."""
    match message.attributes:
        case {"action": action, "deliverypipelineid": pipeline, "targetid": target, "rolloutid": rollout}:
            kind = message.attributes.get("resourcetype", "Rollout")
            gate, state = _result(action) if kind == "Rollout" else ("", None)
            if state is not None:
                words = f"{rollout}: {action.lower()}"
                environment = target.removeprefix(f"{pipeline}-")
                result = reported(gate, state, environment=environment, service=pipeline, description=words)
                return Decoded(reported=(result,))
            return Decoded(ignored=f"{shown(action)} of a {shown(kind)} is no result of a rollout or an approval")
        case {"action": action, "deliverypipelineid": _}:
            return Decoded(ignored=f"{shown(action)} of something that has no target, not of a rollout or an approval")
    return stranger(message, _DIALECT)


def _result(action: str) -> tuple[str, State | None]:
    """The gate of which an action is a result, and which."""
    if action in _APPROVALS:
        return "cloud-deploy/approval", _APPROVALS[action]
    return "cloud-deploy/rollout", _ROLLOUTS.get(action)
