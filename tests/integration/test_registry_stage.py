"""The registries that tests are played on: what other tests rely on holds here."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.authority import Authority
from tests.helpers.components import require
from tests.helpers.faulty_registry import Answer, Request, faulty_registry
from tests.helpers.image_layouts import INDEX, MANIFEST
from tests.helpers.registry import Registry, running_registry
from tests.helpers.registry_tokens import token_server

REPOSITORY = "acme/model-a"


@pytest.fixture(autouse=True)
def _real_parts() -> None:
    require("docker-registry")
    require("skopeo")


def fetch(url: str, authority: Authority | None = None, /, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, content (JSON, where it is some) and headers in lower case."""
    context = ssl.create_default_context(cafile=str(authority.ca)) if authority else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20, context=context) as found:
            content = found.read()
            told = {name.lower(): value for name, value in found.headers.items()}
            return found.status, json.loads(content) if content.startswith(b"{") else content, told
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), {name.lower(): value for name, value in error.headers.items()}


def tags(registry: Registry, **headers: str) -> list[str]:
    status, found, _ = fetch(f"{registry.url}/v2/{REPOSITORY}/tags/list", registry.authority, **headers)
    assert status == 200, found
    return sorted(found["tags"] or [])


# --- the real registry


def test_an_image_that_is_pushed_has_the_labels_platform_and_time_it_was_given(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False) as registry:
        created = "2031-01-01T00:00:00Z"
        digest = registry.push(REPOSITORY, "1.0.0", b"new", {"a": "b"}, ("linux", "arm64"), created)
        place = f"{registry.url}/v2/{REPOSITORY}"
        _, manifest, headers = fetch(f"{place}/manifests/1.0.0", Accept=MANIFEST)
        _, config, _ = fetch(f"{place}/blobs/{manifest['config']['digest']}")
    assert headers["docker-content-digest"] == digest
    assert (config["config"], config["architecture"], config["created"]) == ({"Labels": {"a": "b"}}, "arm64", created)


def test_an_index_names_the_images_it_is_made_of_with_their_platforms(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False) as registry:
        digest = registry.push(REPOSITORY, "1.0.0")
        made = registry.push_index(REPOSITORY, "all", [(digest, ("linux", "amd64"))])
        _, index, headers = fetch(f"{registry.url}/v2/{REPOSITORY}/manifests/all", Accept=INDEX)
    assert headers["docker-content-digest"] == made
    assert [(member["digest"], member["platform"]["os"]) for member in index["manifests"]] == [(digest, "linux")]


def test_a_tag_given_behind_its_back_names_the_image_until_that_is_deleted(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False) as registry:
        first, second = (registry.push(REPOSITORY, tag, tag.encode()) for tag in ("1.0.0", "2.0.0"))
        registry.tag(REPOSITORY, first, ["1.0.1", "1.0.2"])
        assert tags(registry) == ["1.0.0", "1.0.1", "1.0.2", "2.0.0"]
        place = f"{registry.url}/v2/{REPOSITORY}/manifests/1.0.2"
        assert fetch(place, Accept=MANIFEST)[2]["docker-content-digest"] == first
        registry.delete(REPOSITORY, first)
        assert fetch(place, Accept=MANIFEST)[0] == 404
        assert tags(registry) == ["2.0.0"]
        assert second != first


def test_its_requests_are_told_in_order_with_query_and_status(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False) as registry:
        fetch(f"{registry.url}/v2/nothing/tags/list?n=5")
        fetch(f"{registry.url}/v2/")
        assert registry.requests == [("GET", "/v2/nothing/tags/list?n=5", 404), ("GET", "/v2/", 200)]


def test_it_notifies_the_listener_only_where_it_is_to(tmp_path: Path) -> None:
    with running_registry(tmp_path / "loud") as loud, running_registry(tmp_path / "still", notifies=False) as still:
        digest = loud.push(REPOSITORY, "1.0.0")
        still.push(REPOSITORY, "1.0.0")
        events = json.loads(loud.notification("1.0.0"))["events"]
        assert [event["target"]["digest"] for event in events if event["target"].get("tag")] == [digest]
        assert "notifications" not in (still.folder / "registry.yml").read_text()
        assert still.notifications.empty()


def test_basic_credentials_open_it_and_nothing_else_does(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False, basic=("alice", "secret")) as registry:
        registry.push(REPOSITORY, "1.0.0")
        assert tags(registry, Authorization="Basic YWxpY2U6c2VjcmV0") == ["1.0.0"]
        status, _, headers = fetch(f"{registry.url}/v2/", Authorization="Basic YWxpY2U6d3Jvbmc=")
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="registry"')


# --- tokens


def test_a_token_lets_in_whom_its_server_lets_in_and_the_server_tells_who_asked(tmp_path: Path) -> None:
    scope = f"repository:{REPOSITORY}:pull"
    with token_server(tmp_path, {"alice": "secret"}) as tokens, running_registry(tmp_path, tokens=tokens) as registry:
        registry.push(REPOSITORY, "1.0.0")
        status, _, headers = fetch(f"{registry.url}/v2/{REPOSITORY}/tags/list")
        assert status == 401
        assert f'realm="{tokens.realm}",service="registry",scope="{scope}"' in headers["www-authenticate"]
        assert tags(registry, Authorization=f"Bearer {tokens.token('alice', [scope])}") == ["1.0.0"]
        tokens.asked.clear()
        _, told, _ = fetch(f"{tokens.realm}?service=registry&scope={scope}", Authorization="Basic YWxpY2U6c2VjcmV0")
        assert tags(registry, Authorization=f"Bearer {told['token']}") == ["1.0.0"]
        assert [(asked.user, asked.scopes, asked.method) for asked in tokens.asked] == [("alice", (scope,), "GET")]


@pytest.mark.parametrize(
    ("public", "closed", "user", "expected"), [(0, 0, None, 401), (1, 0, None, 200)] + [(0, 1, "alice", 401)]
)
def test_what_is_public_or_closed_is_so_for_everybody(
    tmp_path: Path, public: int, closed: int, user: str | None, expected: int
) -> None:
    with token_server(tmp_path, {"alice": "secret"}) as tokens, running_registry(tmp_path, tokens=tokens) as registry:
        registry.push(REPOSITORY, "1.0.0")
        tokens.public.update([REPOSITORY] * public)
        tokens.closed.update([REPOSITORY] * closed)
        token = tokens.token(user, [f"repository:{REPOSITORY}:pull"])
        status, *_ = fetch(f"{registry.url}/v2/{REPOSITORY}/tags/list", Authorization=f"Bearer {token}")
    assert status == expected


def test_a_token_ends_when_it_says_so(tmp_path: Path) -> None:
    scope = f"repository:{REPOSITORY}:pull"
    with token_server(tmp_path, {"alice": "secret"}) as tokens, running_registry(tmp_path, tokens=tokens) as registry:
        registry.push(REPOSITORY, "1.0.0")
        tokens.lifetime = -1
        token = tokens.token("alice", [scope])
        assert fetch(f"{registry.url}/v2/", Authorization=f"Bearer {token}")[0] == 401


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("grant_type=refresh_token&refresh_token=long-lived", "alice"),
        ("grant_type=password&username=alice&password=secret", "alice"),
        ("grant_type=refresh_token&refresh_token=another", None),
        ("grant_type=password&username=alice&password=wrong", None),
    ],
)
def test_a_refresh_token_or_password_in_a_form_is_exchanged_for_a_token(
    tmp_path: Path, form: str, expected: str | None
) -> None:
    with token_server(tmp_path, {"alice": "secret"}) as tokens:
        tokens.refresh_tokens["long-lived"] = "alice"
        place = tokens.realm.removeprefix("http://").removesuffix("/token")
        connection = http.client.HTTPConnection(place, timeout=20)
        connection.request("POST", "/token", f"{form}&service=registry&scope=repository:a:pull")
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
    assert ("access_token" in told, answer.status) == ((True, 200) if expected else (False, 401))
    assert [asked.user for asked in tokens.asked] == ([expected] if expected else [])


# --- TLS


def test_over_tls_it_is_trusted_by_its_own_authority_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with running_registry(tmp_path, notifies=False, authority=authority) as registry:
        registry.push(REPOSITORY, "1.0.0")
        assert registry.host.startswith("localhost:")
        assert tags(registry) == ["1.0.0"]
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(f"{registry.url}/v2/")


@pytest.mark.parametrize(
    ("name", "expired", "message"), [("localhost", True, "expired"), ("example.org", False, "Hostname mismatch")]
)
def test_a_certificate_is_as_bad_as_a_test_wants_it(tmp_path: Path, name: str, expired: bool, message: str) -> None:
    authority = Authority(tmp_path)
    with (
        faulty_registry(lambda _: Answer(), authority, name=name, expired=expired) as server,
        pytest.raises(urllib.error.URLError, match=message),
    ):
        fetch(server.url, authority)
    assert server.requests == []


# --- the faulty one


def test_it_answers_what_the_test_answers_and_tells_what_it_was_asked() -> None:
    def answer(request: Request) -> Answer:
        return Answer(200, {"X-Seen": request.headers["told"]}, request.query["n"].encode())

    with faulty_registry(answer) as server:
        assert fetch(f"{server.url}/v2/a?n=1&n=2", Told="yes")[1] == b"2"
        (seen,) = server.requests
    assert (seen.method, seen.path, seen.raw_query, seen.headers["told"]) == ("GET", "/v2/a", "n=1&n=2", "yes")
    assert server.count("GET", "/v2/") == 1


def test_a_body_in_pieces_may_end_before_its_end() -> None:
    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionError

    with faulty_registry(lambda _: Answer(200, {"Content-Length": "10"}, broken())) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            fetch(server.url)
        assert caught.value.partial == b"abc"
        server.answer = lambda _: Answer(200, {}, iter((b"abc", b"", b"def")))
        assert fetch(server.url)[1] == b"abcdef"


def test_a_connection_is_cut_or_left_without_an_answer() -> None:
    def cut(_: Request) -> Answer:
        raise ConnectionError

    with faulty_registry(cut) as server:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            fetch(server.url)
        server.answer = lambda _: None
        connection = http.client.HTTPConnection(server.host, timeout=0.2)
        connection.request("GET", "/")
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
