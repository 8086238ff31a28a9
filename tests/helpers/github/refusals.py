"""What the stand-in answers when it does not do what was asked, in GitHub's words and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):
    """An answer other than success. `errors` are the details of a 422."""

    def __init__(
        self, status: int, message: str, errors: Sequence[object] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        details = {"errors": list(self.errors)} if self.errors else {}
        return {
            "message": self.message,
            **details,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(self.status),
        }


def invalid(resource: str, *, field: str | None = None, message: str | None = None) -> Refusal:
    """A 422 about one field, or with one message."""
    error = {"resource": resource, "field": field, "code": "custom" if message else "invalid", "message": message}
    return Refusal(422, "Validation Failed", [{name: value for name, value in error.items() if value is not None}])


def not_found() -> Refusal:
    """What is not there, or what the token may not know of: GitHub does not tell which."""
    return Refusal(404, "Not Found")
