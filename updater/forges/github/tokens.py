"""The tokens of a GitHub App: each is good for an hour and one repository, and is renewed in time.

See docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from updater.errors import ForgeRefused
from updater.forges.github.client import Client
from updater.forges.github.reading import expected
from updater.forges.github.settings import Place

_EARLY = timedelta(minutes=5)
"""git may push for minutes with the token that it was given."""


class Tokens:
    """The tokens of an App for its installation on a repository. `client` asks as the App itself."""

    def __init__(self, client: Client, place: Place, now: Callable[[], datetime]) -> None:
        self._client = client
        self._place = place
        self._now = now
        self._installation: int | None = None
        self._token = ""
        self._expires: datetime | None = None

    def current(self) -> str:
        """A token that is good for some minutes at least."""
        if self._expires is None or self._now() >= self._expires - _EARLY:
            self._renew()
        return self._token

    def _renew(self) -> None:
        if self._installation is None:
            self._installation = self._find()
        path = f"/app/installations/{self._installation}/access_tokens"
        wanted = {"repositories": [self._place.name]}
        answer = self._client.write("POST", path, wanted, "get a token for the App", "an installation of the App")
        with expected():
            self._token, self._expires = str(answer["token"]), datetime.fromisoformat(answer["expires_at"])

    def _find(self) -> int:
        repository = self._place.repository
        try:
            found = self._client.read(
                f"/repos/{repository}/installation", f"find the App on {repository}", "metadata: read"
            )
        except ForgeRefused as error:
            hint = f"install the App on {repository}, and see that {self._place.variables} belong together"
            raise ForgeRefused(error.message, hint=hint) from error
        with expected():
            return int(found["id"])
