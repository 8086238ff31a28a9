"""The client of registries, on a real one: plain, with passwords, with tokens and over TLS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.authority import Authority
from tests.helpers.image_layouts import INDEX, MANIFEST, sha256
from tests.helpers.registry import Registry, running_registry
from tests.helpers.registry_clients import Shelf, Stage, client_of
from tests.helpers.registry_tokens import TokenServer, token_server
from updater.core.oci import OCI_INDEX
from updater.errors import RegistryRefused
from updater.registries.credentials import Secret

MISSING = f"sha256:{'0' * 64}"


def alice(password: str = "secret") -> Secret:
    return Secret("basic", "alice", password)


def test_a_tag_names_a_digest_and_a_digest_itself(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/named", "1.0.0")
    assert stage.client.digest("acme/named", "1.0.0") == digest
    assert stage.client.digest("acme/named", digest) == digest


@pytest.mark.parametrize("reference", ["2.0.0", MISSING])
def test_what_is_not_there_is_none(registry: Registry, stage: Stage, reference: str) -> None:
    registry.push("acme/there", "1.0.0")
    assert stage.client.digest("acme/there", reference) is None
    assert stage.client.manifest("acme/there", reference) is None
    assert stage.client.digest("acme/never", reference) is None


def test_a_deleted_tag_is_none_although_its_content_was_kept(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/deleted", "1.0.0")
    assert stage.client.manifest("acme/deleted", digest)
    registry.delete("acme/deleted", digest)
    assert stage.client.digest("acme/deleted", "1.0.0") is None
    assert stage.client.digest("acme/deleted", digest) is None


def test_a_manifest_is_served_byte_for_byte(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/served", "1.0.0")
    served = stage.client.manifest("acme/served", "1.0.0")
    assert served is not None
    assert (served.digest, served.media_type) == (digest, MANIFEST)
    assert sha256(served.content) == digest


def test_an_index_is_served_as_one(registry: Registry, stage: Stage) -> None:
    image = registry.push("acme/platforms", "amd64")
    digest = registry.push_index("acme/platforms", "1.0.0", [(image, ("linux", "amd64"))])
    served = stage.client.manifest("acme/platforms", "1.0.0")
    assert served is not None
    assert (served.digest, served.media_type) == (digest, INDEX)


def test_what_a_digest_names_is_asked_for_once(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/once", "1.0.0")
    first = stage.client.manifest("acme/once", digest)
    before = len(registry.requests)
    assert stage.client.manifest("acme/once", digest) == first
    assert len(registry.requests) == before


def test_what_was_kept_and_damaged_is_asked_for_again(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/damaged", "1.0.0")
    first = stage.client.manifest("acme/damaged", digest)
    for key, kept in stage.memory.items():
        stage.memory[key] = type(kept)(kept.etag, kept.body + b" ", kept.headers)
    assert stage.client.manifest("acme/damaged", digest) == first


def test_a_tag_that_moved_on_is_served_anew(registry: Registry, stage: Stage) -> None:
    first = registry.push("acme/moving", "1.0.0", b"one")
    assert getattr(stage.client.manifest("acme/moving", "1.0.0"), "digest", None) == first
    second = registry.push("acme/moving", "1.0.0", b"two")
    assert getattr(stage.client.manifest("acme/moving", "1.0.0"), "digest", None) == second


def test_a_tag_that_stayed_is_not_sent_again(registry: Registry, stage: Stage) -> None:
    registry.push("acme/staying", "1.0.0")
    first = stage.client.manifest("acme/staying", "1.0.0")
    assert stage.client.manifest("acme/staying", "1.0.0") == first
    assert registry.requests[-1][2] == 304


def test_a_blob_is_read_up_to_its_limit(registry: Registry, stage: Stage) -> None:
    registry.push("acme/blobs", "1.0.0")
    digest = registry.upload("acme/blobs", b"some content")
    assert stage.client.blob("acme/blobs", digest, 100) == b"some content"
    with pytest.raises(RegistryRefused, match="more than 4 bytes"):
        stage.client.blob("acme/blobs", digest, 4)
    with pytest.raises(RegistryRefused, match="does not have"):
        stage.client.blob("acme/blobs", MISSING, 100)


def test_all_tags_are_listed(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/many", "1.0.0")
    registry.tag("acme/many", digest, [f"1.0.{number}" for number in range(1, 1500)])
    tags = stage.client.tags("acme/many")
    assert tags is not None
    assert len(tags) == 1500


def test_a_repository_that_is_not_there_has_no_tags(stage: Stage) -> None:
    assert stage.client.tags("acme/nowhere") is None


def test_referrers_are_found_by_the_tag_that_stands_in_for_the_api(registry: Registry, stage: Stage) -> None:
    digest = registry.push("acme/referred", "1.0.0")
    assert stage.client.referrers("acme/referred", digest) == ()
    other = registry.push("acme/referred", "other", b"what refers")
    told = {"mediaType": MANIFEST, "digest": other, "size": 1, "artifactType": "application/example"}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [told]}
    registry.put("acme/referred", digest.replace(":", "-"), json.dumps(index).encode(), OCI_INDEX)
    (found,) = stage.client.referrers("acme/referred", digest)
    assert (found.digest, found.artifact_type) == (other, "application/example")


def test_a_registry_that_lets_everybody_in_is_found(stage: Stage) -> None:
    stage.client.ping()


def test_a_password_lets_us_in(tmp_path: Path) -> None:
    with running_registry(tmp_path, notifies=False, basic=("alice", "secret")) as registry:
        digest = registry.push("acme/a", "1.0.0")
        with client_of(registry.host, registry.url, alice) as stage:
            stage.client.ping()
            assert stage.client.digest("acme/a", "1.0.0") == digest
        assert [request.status for request in registry.requests[-3:]] == [401, 200, 200]
        for login in (None, lambda: None, lambda: alice("wrong"), lambda: Secret("refresh", "alice", "secret")):
            with client_of(registry.host, registry.url, login) as stage:
                with pytest.raises(RegistryRefused) as caught:
                    stage.client.digest("acme/a", "1.0.0")
                assert "docker login" in (caught.value.hint or "")
                assert "wrong" not in str(caught.value)


def test_a_password_that_was_changed_is_asked_for_again(tmp_path: Path) -> None:
    passwords = iter(["old", "secret"])
    with running_registry(tmp_path, notifies=False, basic=("alice", "secret")) as registry:
        digest = registry.push("acme/a", "1.0.0")
        with client_of(registry.host, registry.url, lambda: alice(next(passwords))) as stage:
            with pytest.raises(RegistryRefused, match="does not let us read acme/a"):
                stage.client.digest("acme/a", "1.0.0")
            assert stage.client.digest("acme/a", "1.0.0") == digest


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with token_server(tmp_path, {"alice": "secret"}) as found:
        yield found


@pytest.fixture
def guarded(tmp_path: Path, tokens: TokenServer) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry", notifies=False, tokens=tokens) as found:
        yield found


def test_one_token_for_each_repository_lets_us_in(guarded: Registry, tokens: TokenServer) -> None:
    digest = guarded.push("acme/a", "1.0.0")
    guarded.push("acme/b", "1.0.0")
    tokens.asked.clear()
    before = len(guarded.requests)
    with client_of(guarded.host, guarded.url, alice) as stage:
        stage.client.ping()
        for _ in range(3):
            assert stage.client.digest("acme/a", "1.0.0") == digest
        assert stage.client.tags("acme/b") == {"1.0.0": stage.client.tags("acme/b")["1.0.0"]}  # type: ignore[index]
    assert [asked.scopes for asked in tokens.asked] == [(), ("repository:acme/a:pull",), ("repository:acme/b:pull",)]
    assert {asked.user for asked in tokens.asked} == {"alice"}
    # What it wants is known after the first time.
    assert [request.status for request in guarded.requests[before:]].count(401) == 1


def test_a_token_is_renewed_before_its_end(guarded: Registry, tokens: TokenServer) -> None:
    guarded.push("acme/a", "1.0.0")
    tokens.asked.clear()
    with client_of(guarded.host, guarded.url, alice) as stage:
        for seconds, renewals in ((0, 1), (289, 1), (291, 2)):
            stage.hand.seconds = seconds
            stage.client.digest("acme/a", "1.0.0")
            assert len(tokens.asked) == renewals


def test_a_token_that_the_registry_no_longer_takes_is_renewed(guarded: Registry, tokens: TokenServer) -> None:
    digest = guarded.push("acme/a", "1.0.0")
    with client_of(guarded.host, guarded.url, alice) as stage:
        tokens.lifetime = -600
        with pytest.raises(RegistryRefused, match="does not let us read"):
            stage.client.digest("acme/a", "1.0.0")
        tokens.lifetime = 300
        assert stage.client.digest("acme/a", "1.0.0") == digest


def test_a_refresh_token_is_changed_for_a_token(guarded: Registry, tokens: TokenServer) -> None:
    digest = guarded.push("acme/a", "1.0.0")
    tokens.refresh_tokens["renewable"] = "alice"
    tokens.asked.clear()
    with client_of(guarded.host, guarded.url, lambda: Secret("refresh", "", "renewable")) as stage:
        assert stage.client.digest("acme/a", "1.0.0") == digest
    assert [(asked.method, asked.user) for asked in tokens.asked] == [("POST", "alice")]


def test_a_bearer_token_is_shown_as_it_is(guarded: Registry, tokens: TokenServer) -> None:
    digest = guarded.push("acme/a", "1.0.0")
    token = tokens.token("alice", ["repository:acme/a:pull"])
    tokens.asked.clear()
    with client_of(guarded.host, guarded.url, lambda: Secret("bearer", "", token)) as stage:
        assert stage.client.digest("acme/a", "1.0.0") == digest
    assert tokens.asked == []


def test_nobody_needs_a_login_for_what_is_public(guarded: Registry, tokens: TokenServer) -> None:
    digest = guarded.push("acme/open", "1.0.0")
    guarded.push("acme/a", "1.0.0")
    tokens.public = {"acme/open"}
    with client_of(guarded.host, guarded.url) as stage:
        assert stage.client.digest("acme/open", "1.0.0") == digest
        with pytest.raises(RegistryRefused, match="does not let us read acme/a") as caught:
            stage.client.digest("acme/a", "1.0.0")
    assert "docker login" in (caught.value.hint or "")


def test_a_login_that_the_token_server_turns_away_is_asked_for_once_more(guarded: Registry) -> None:
    logins = iter([alice("old"), alice("secret")])
    digest = guarded.push("acme/a", "1.0.0")
    with client_of(guarded.host, guarded.url, lambda: next(logins)) as stage:
        assert stage.client.digest("acme/a", "1.0.0") == digest
    with (
        client_of(guarded.host, guarded.url, lambda: alice("wrong")) as stage,
        pytest.raises(RegistryRefused, match="token server .* answered 401") as caught,
    ):
        stage.client.digest("acme/a", "1.0.0")
    assert "wrong" not in f"{caught.value} {caught.value.hint}"


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    with running_registry(tmp_path / "registry", notifies=False, authority=authority) as registry:
        digest = registry.push("acme/a", "1.0.0")
        with client_of(registry.host, registry.url, ca=authority.ca) as stage:
            assert stage.client.digest("acme/a", "1.0.0") == digest
        with client_of(registry.host, registry.url) as stage, pytest.raises(RegistryRefused) as caught:
            stage.client.digest("acme/a", "1.0.0")
    assert "certificate that does not count: unable to get local issuer certificate" in str(caught.value)
    assert "`ca:`" in (caught.value.hint or "")


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_told(tmp_path: Path, content: bytes | None) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    with (
        pytest.raises(RegistryRefused, match="no certificates that can be read"),
        client_of("reg.example", "https://reg.example", ca=ca),
    ):
        raise AssertionError("it was taken")


def test_what_is_kept_serves_the_next_client(registry: Registry) -> None:
    memory = Shelf()
    digest = registry.push("acme/kept", "1.0.0")
    for _ in range(2):
        with client_of(registry.host, registry.url, memory=memory) as stage:
            assert stage.client.manifest("acme/kept", digest)
    gets = [request for request in registry.requests if request[:2] == ("GET", f"/v2/acme/kept/manifests/{digest}")]
    assert len(gets) == 1
