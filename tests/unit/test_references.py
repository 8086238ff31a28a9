"""Image references: what is read as which repository, and what is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import references
from updater.core.references import Reference, split_host
from updater.model import Version

DIGEST = "sha256:" + "0123456789abcdef" * 4
NAMES = st.text("aAzZ09._-/:[]@\u212a\n", max_size=40) | st.from_regex(
    r"[a-z0-9.:]{1,12}(/[a-z0-9._-]{1,8}){0,3}", fullmatch=True
)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("acme/app", "docker.io/acme/app"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("index.docker.io/acme/app", "docker.io/acme/app"),
        ("registry-1.docker.io/nginx", "docker.io/library/nginx"),
        ("Registry.Example/team/app", "registry.example/team/app"),
        ("us-docker.pkg.dev/acme/models/model-a", "us-docker.pkg.dev/acme/models/model-a"),
        ("localhost/app", "localhost/app"),
        ("registry:5000/app", "registry:5000/app"),
        ("[2001:DB8::1]:5000/app", "[2001:db8::1]:5000/app"),
        ("registry.example/a__b/c-d--e/f.g_h", "registry.example/a__b/c-d--e/f.g_h"),
    ],
)
def test_a_name_stands_for_a_repository_as_container_runtimes_read_it(name: str, repository: str) -> None:
    assert references.normalise(name) == repository


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "app/",
        "/app",
        "registry.example/",
        "registry.example//app",
        "registry.example/..",
        "registry.example/a/../b",
        "registry.example/App",
        "registry.example/a b",
        "registry.example/a___b",
        "registry.example/-a",
        "registry.example/a\n",
        "registry.example:port/app",
        "-registry.example/app",
        "foo_bar.example/app",
        "https://registry.example/app",
        "registry.example/app:1.0",
        f"registry.example/app@{DIGEST}",
        "$(id)",
    ],
)
def test_what_is_no_repository_is_none(name: str) -> None:
    assert references.normalise(name) is None


def test_an_upper_case_first_part_without_dot_is_neither_a_host_nor_a_name_on_docker_hub() -> None:
    assert references.normalise("Acme/app") is None


def test_a_letter_that_only_looks_like_one_of_a_host_does_not_become_it() -> None:
    kelvin = "us-doc\u212aer.pkg.dev/acme/app"
    assert kelvin.lower() == "us-docker.pkg.dev/acme/app"
    assert references.normalise(kelvin) is None


@pytest.mark.parametrize(("length", "fits"), [(255, True), (256, False)])
def test_a_repository_has_at_most_255_characters(length: int, fits: bool) -> None:
    name = "registry.example/".ljust(length, "a")
    assert (references.normalise(name) is not None) == fits


def test_the_host_that_a_short_name_gets_counts_for_its_length() -> None:
    assert references.normalise("a" * 250) is None


@given(NAMES)
def test_normalising_twice_changes_nothing(name: str) -> None:
    once = references.normalise(name)
    assert once is None or references.normalise(once) == once


@given(NAMES)
def test_a_normalised_repository_begins_with_a_host_and_has_no_character_that_yaml_or_a_shell_minds(name: str) -> None:
    once = references.normalise(name)
    assert once is None or (
        references.is_host(once.partition("/")[0])
        and not set(once) - set(f"{string.ascii_lowercase}{string.digits}._-/:[]")
    )


@pytest.mark.parametrize(
    ("first", "host"), [("a.b", True), ("a:1", True), ("LocalHost", True), ("registry", False), ("", False)]
)
def test_a_first_part_is_a_host_if_it_has_a_dot_or_a_port_or_is_localhost(first: str, host: bool) -> None:
    assert references.is_host(first) == host


@pytest.mark.parametrize(
    ("text", "tag", "digest"),
    [
        ("registry.example/app", None, None),
        ("registry.example/app:1.4.0", "1.4.0", None),
        ("registry.example:5000/app", None, None),
        ("registry.example:5000/app:1", "1", None),
        (f"registry.example/app@{DIGEST}", None, DIGEST),
        (f"registry.example/app:1.4.0@{DIGEST}", "1.4.0", DIGEST),
        ("registry.example/app:1.4.0@sha256:0123...", "1.4.0", None),
        (f"registry.example/app:1.4.0@{DIGEST}@{DIGEST}", "1.4.0", None),
        ("registry.example/app:1.4.0@", "1.4.0", None),
    ],
)
def test_a_reference_is_read_in_its_parts_and_an_incomplete_digest_is_dropped(
    text: str, tag: str | None, digest: str | None
) -> None:
    parsed = references.parse(text)
    assert parsed is not None
    assert parsed.version == Version(tag, digest)
    assert parsed.image.endswith("/app")


@pytest.mark.parametrize(
    "text", ["", ":1.0", "app:", "app:a b", "app:../x", 'app:x"\n  newName: evil', "App:1", f"@{DIGEST}"]
)
def test_what_is_no_reference_is_none(text: str) -> None:
    assert references.parse(text) is None


def test_a_short_reference_is_one_of_docker_hub() -> None:
    assert references.parse("redis:7.2") == Reference("docker.io/library/redis", Version("7.2"))


@pytest.mark.parametrize("tag", ["1", "v1.0.0", "_a", "A-b_c.d", "a" * 128])
def test_a_tag_is_what_the_distribution_specification_allows(tag: str) -> None:
    assert references.is_tag(tag)


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a" * 129, "a b", "a\n", "a/b", "a:b", "1.0+build", "\u0661", "$(id)"])
def test_what_is_no_tag_is_told(tag: str) -> None:
    assert not references.is_tag(tag)


@pytest.mark.parametrize(
    "digest", ["", "sha256:", DIGEST[:-1], DIGEST + "0", DIGEST.upper(), DIGEST + "\n", "sha512:" + "0" * 128]
)
def test_only_a_complete_sha256_digest_is_one(digest: str) -> None:
    assert references.is_digest(DIGEST)
    assert not references.is_digest(digest)


@pytest.mark.parametrize(
    ("tag", "artifact"),
    [
        (f"sha256-{'ab' * 32}.sig", True),
        (f"sha256-{'ab' * 32}.att", True),
        (f"sha256-{'ab' * 32}.sbom", True),
        ("sha256-59d78.sig", True),
        (f"sha256-{'ab' * 32}", True),
        (f"sha512-{'ab' * 32}", True),
        ("sha256-abcdef", False),
        ("sha-6113728", False),
        ("sha256sum-1.0", False),
        ("v1.0.0.sig", False),
        (f"sha256-{'ab' * 32}.tar", False),
    ],
)
def test_the_tags_of_signatures_and_referrers_are_told_from_those_of_images(tag: str, artifact: bool) -> None:
    assert references.is_artifact_tag(tag) == artifact


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("docker.io/library/nginx", ("docker.io", "library/nginx")),
        ("reg.example:5000/acme/models/model-a", ("reg.example:5000", "acme/models/model-a")),
    ],
)
def test_a_repository_is_the_host_of_its_registry_and_a_path_there(image: str, parts: tuple[str, str]) -> None:
    assert split_host(image) == parts
