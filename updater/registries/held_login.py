"""The login of one registry, which many threads want at the same time and one of them gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from updater.errors import UpdaterError
from updater.registries.credentials import Login, Secret


class HeldLogin:
    """Logs in when it is needed, and holds what that gave. Any thread may ask.

    A login may take long, or be counted. So whoever waited for another thread's takes over what that came to, be it a
    failure.
    """

    def __init__(self, login: Login | None, now: Callable[[], datetime]) -> None:
        self._login = login
        self._now = now
        self._secret: Secret | None = None
        self._failure: UpdaterError | None = None
        self._logins = 0
        self._lock = Lock()

    def secret(self, refused: Secret | None) -> Secret | None:
        """The secret that is in force, another one than the object that was `refused`; None if nobody is to log in.

        Raises `RegistryError`, as the login does.
        """
        if self._login is None:
            return None
        logins = self._logins
        with self._lock:
            if logins == self._logins and not self._is_good(refused):
                self._renew(self._login)
            if self._failure is not None:
                raise self._failure
            return self._secret

    def _is_good(self, refused: Secret | None) -> bool:
        held = self._secret
        return held is not None and held is not refused and (held.until is None or held.until > self._now())

    def _renew(self, login: Login) -> None:
        self._secret = self._failure = None
        try:
            self._secret = login()
        except UpdaterError as error:
            self._failure = error
        self._logins += 1  # not before its end: who comes in the middle waits for it, too
