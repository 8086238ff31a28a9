"""What holds for every test: no settings of the person or machine reach it, and its real parts are named at the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import settings

from tests.helpers import components

GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "alice",
    "GIT_AUTHOR_EMAIL": "alice@example.org",
    "GIT_AUTHOR_DATE": "2026-11-20T10:00:00Z",
    "GIT_COMMITTER_NAME": "alice",
    "GIT_COMMITTER_EMAIL": "alice@example.org",
    "GIT_COMMITTER_DATE": "2026-11-20T10:00:00Z",
}

OFFLINE = {
    # Port 9 is for throwing away (RFC 863), and nobody listens there.
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,::1,localhost",
    # The libraries of the clouds ask an address of the network around for a machine's identity, past every proxy.
    "NO_GCE_CHECK": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Whatever goes to another machine fails at once."""

PERSONAL = (
    *("GIT_", "UPDATER_", "XDG_", "PUBSUB_"),
    *("AWS_", "AZURE_", "DOCKER_", "GOOGLE_", "CLOUDSDK_", "REGISTRY_AUTH_FILE"),
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

# How long a test takes is no failure; what runs is the same each time, unless more is asked for.
settings.register_profile("updater", max_examples=60, deadline=None, derandomize="UPDATER_LONG_TESTS" not in os.environ)
settings.register_profile("few", settings.get_profile("updater"), max_examples=10)
settings.load_profile("updater")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody's git configuration, identity, repository, login, home or `UPDATER_*` setting, no way to other machines;
    the same name and time for all."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(PERSONAL) or name.upper() in PROXIES:
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name, value in (GIT | OFFLINE).items():
            patch.setenv(name, value)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known to those who have no pytest-cov, too."""
    config.addinivalue_line("markers", "no_cover: runs without the coverage being measured")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests are made and stay to the end: the garbage collector need not look for them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Properties are tried dozens of times, and measured they take twice as long: examples have to cover everything
    without them."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what its tests asked for; see pytest-xdist's documentation of `workeroutput`."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["components"] = dict(components.SEEN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended."""
    components.SEEN.update(getattr(node, "workeroutput", {}).get("components", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if components.SEEN:
        terminalreporter.section("real parts that tests asked for")
        width = max(map(len, components.SEEN))
        for name, path in sorted(components.SEEN.items()):
            terminalreporter.write_line(f"{name:<{width}} {path}")
