"""Logins that docker and podman leave behind, and those of credential helpers, which are real programs here."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from updater.errors import RegistryRefused, RegistryUnavailable
from updater.registries import docker_config, docker_helpers, settings
from updater.registries.credentials import Secret

HUB = "https://index.docker.io/v1/"
Helper = Callable[[str, str], None]


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ALICE = {"auth": auth("alice:se:same")}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home for docker's files, and a place for helpers that comes first on the PATH."""
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}


@pytest.fixture
def helper(tmp_path: Path, environ: dict[str, str]) -> Helper:
    """Installs a helper, a shell script that has the server in $server."""

    def install(name: str, script: str) -> None:
        program = tmp_path / "bin" / f"docker-credential-{name}"
        program.write_text(f'#!/bin/sh\n[ "$1" = get ] && read -r server || exit 9\n{script}\n')
        program.chmod(0o755)

    return install


def write(file: Path, **said: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said))


def docker(environ: dict[str, str], **said: Any) -> None:
    write(Path(environ["HOME"], ".docker", "config.json"), **said)


@pytest.mark.parametrize(
    "key",
    ["r.example.org:5000", "https://r.example.org:5000", "http://r.example.org:5000/", "https://R.example.org:5000/v1/",
     "r.example.org:5000/v2/"],
)  # fmt: skip
def test_a_login_is_found_however_its_registry_is_written(environ: dict[str, str], key: str) -> None:
    docker(environ, auths={key: ALICE})
    assert docker_config.secret("r.example.org:5000", environ) == Secret("basic", "alice", "se:same")
    assert docker_config.secret("r.example.org", environ) is None
    assert docker_config.hosts(environ) == ["r.example.org:5000"]


@pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_keys(environ: dict[str, str], key: str) -> None:
    docker(environ, auths={key: ALICE})
    assert docker_config.secret("docker.io", environ) == Secret("basic", "alice", "se:same")


@pytest.mark.parametrize("key", ["r.example.org/team", "https://r.example.org/v3/", "", "/", "no host", "ftp://a.b"])
def test_a_key_that_is_no_whole_registry_gives_no_login_to_it(environ: dict[str, str], key: str) -> None:
    docker(environ, auths={key: ALICE})
    assert docker_config.hosts(environ) == []
    assert docker_config.secret("r.example.org", environ) is None


@pytest.mark.parametrize(
    ("entry", "secret"),
    [
        ({"username": "alice", "password": "x"}, Secret("basic", "alice", "x")),
        ({"auth": auth("alice:x"), "username": "bob", "password": "y"}, Secret("basic", "alice", "x")),
        ({"auth": auth("alice:"), "identitytoken": "t"}, Secret("refresh", "alice", "t")),
        ({"identitytoken": "t"}, Secret("refresh", "", "t")),
        ({**ALICE, "registrytoken": "t"}, Secret("bearer", "alice", "t")),
        ({}, None),
        ({"auth": ""}, None),
        ({"email": "alice@example.org"}, None),
        ({"username": "alice"}, None),
        ({"username": 5, "password": ["x"]}, None),
    ],
)
def test_what_is_written_is_shown_as_what_it_is(
    environ: dict[str, str], entry: dict[str, Any], secret: Secret | None
) -> None:
    docker(environ, auths={"r.example.org": entry})
    assert docker_config.secret("r.example.org", environ) == secret


def test_the_plain_host_comes_before_the_same_host_as_an_address(environ: dict[str, str]) -> None:
    docker(environ, auths={"https://r.example.org/v1/": {"auth": auth("old:x")}, "r.example.org": ALICE})
    found = docker_config.secret("r.example.org", environ)
    assert found is not None
    assert found.username == "alice"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"[" * 200_000, b'{"auths": []}x', b'{"auths": ["a"]}', b'{"auths": {"a.b": "x"}}',
     b'{"credHelpers": {"a.b": {}}}', b'{"x": "' + b"a" * 2_000_000 + b'"}'],
)  # fmt: skip
def test_a_file_that_docker_did_not_write_is_told_by_name_and_no_word_of_it(
    environ: dict[str, str], content: bytes
) -> None:
    file = Path(environ["HOME"], ".docker", "config.json")
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(RegistryRefused) as caught:
        docker_config.secret("a.b", environ)
    assert caught.value.message.startswith(f"{file} holds no logins of docker: ")
    assert settings.read(environ).is_known("a.b"), "somebody wanted to be logged in"


def test_a_file_that_cannot_be_read_is_told(environ: dict[str, str]) -> None:
    file = Path(environ["HOME"], ".docker", "config.json")
    file.mkdir(parents=True)
    with pytest.raises(RegistryRefused, match="config.json cannot be read: Is a directory"):
        docker_config.secret("a.b", environ)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(RegistryRefused, match="config.json cannot be read: Too many levels of symbolic links"):
        docker_config.secret("a.b", environ)


@pytest.mark.parametrize("wrong", ["c2VzYW1l", "!!!", "c2Vz YW1l", "c2Vz!YW1lOng=", "_w==", "/w=="])
def test_an_auth_that_is_no_user_and_password_is_told_without_it(environ: dict[str, str], wrong: str) -> None:
    docker(environ, auths={"r.example.org": {"auth": wrong}, "other.example.org": ALICE})
    with pytest.raises(RegistryRefused, match=r"the `auth` of r\.example\.org is no user and password") as caught:
        docker_config.secret("r.example.org", environ)
    assert wrong not in str(caught.value)
    assert docker_config.secret("other.example.org", environ) is not None


def test_docker_config_is_where_its_variable_says_and_at_home_otherwise(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    docker(environ, auths={"home.example.org": ALICE})
    write(tmp_path / "mounted" / "config.json", auths={"r.example.org": ALICE})
    assert docker_config.hosts(environ) == ["home.example.org"]
    assert docker_config.hosts(environ | {"DOCKER_CONFIG": str(tmp_path / "mounted")}) == ["r.example.org"]
    assert docker_config.hosts({}) == []
    assert docker_config.hosts({"DOCKER_CONFIG": str(tmp_path / "none"), "HOME": "/dev/null"}) == []


def test_podmans_files_are_read_as_well_and_the_one_that_is_named_first(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    write(tmp_path / "run" / "containers" / "auth.json", auths={"run.example.org": ALICE, "r.example.org": ALICE})
    docker(environ, auths={"r.example.org": {"auth": auth("docker:x")}})
    more = environ | {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    assert docker_config.hosts(more) == ["r.example.org", "run.example.org"]
    assert docker_config.secret("r.example.org", more) == Secret("basic", "docker", "x")
    write(tmp_path / "auth.json", auths={"r.example.org": {"auth": auth("named:x")}})
    more |= {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    assert docker_config.secret("r.example.org", more) == Secret("basic", "named", "x")
    assert docker_config.secret("run.example.org", more) == Secret("basic", "alice", "se:same")


def test_a_file_that_is_exchanged_is_read_anew_by_a_login_that_was_made_before(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    login = settings.read(environ).place("r.example.org").login
    assert login is not None
    assert login() is None
    for user in ("first", "later"):  # as Kubernetes does it: a link to another folder
        write(tmp_path / user / "config.json", auths={"r.example.org": {"auth": auth(f"{user}:x")}})
        (tmp_path / "new").symlink_to(tmp_path / user)
        (tmp_path / "new").rename(tmp_path / ".docker")
        assert login() == Secret("basic", user, "x")


def test_the_docker_login_of_a_google_registry_comes_before_google(environ: dict[str, str]) -> None:
    docker(environ, credHelpers={"us-docker.pkg.dev": "gcloud"})
    places = settings.read(environ | {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"})
    assert (places.place("us-docker.pkg.dev").way, places.place("eu-docker.pkg.dev").way) == ("docker", "google")
    assert places.is_known("us-docker.pkg.dev")
    assert places.hosts() == ["us-docker.pkg.dev"]


SAYS = 'printf \'{"ServerURL": "%s", "Username": "alice", "Secret": "of %s"}\' "$server" "$server"'


def test_a_helper_is_asked_for_its_registry_alone(environ: dict[str, str], helper: Helper) -> None:
    helper("ours", SAYS)
    docker(environ, credHelpers={"r.example.org": "ours"}, auths={"r.example.org": {"auth": auth("bob:x")}})
    assert docker_config.secret("r.example.org", environ) == Secret("basic", "alice", "of r.example.org")
    assert docker_config.secret("other.example.org", environ) is None
    assert docker_config.hosts(environ) == ["r.example.org"]


@pytest.mark.parametrize(
    ("auths", "host", "server"),
    [
        ({}, "r.example.org", "r.example.org"),
        ({"https://r.example.org": {}}, "r.example.org", "https://r.example.org"),
        ({HUB: {}}, "docker.io", HUB),
        ({}, "docker.io", HUB),
    ],
)
def test_a_store_is_asked_by_the_name_under_which_docker_put_it_there(
    environ: dict[str, str], helper: Helper, auths: dict[str, Any], host: str, server: str
) -> None:
    helper("ours", SAYS)
    docker(environ, credsStore="ours", auths=auths)
    assert docker_config.secret(host, environ) == Secret("basic", "alice", f"of {server}")
    assert settings.read(environ).is_known(host) == bool(auths)


def test_what_is_written_down_comes_before_the_store(environ: dict[str, str]) -> None:
    docker(environ, credsStore="none-that-is-installed", auths={"r.example.org": ALICE})
    assert docker_config.secret("r.example.org", environ) == Secret("basic", "alice", "se:same")


def test_the_user_token_stands_for_a_refresh_token(environ: dict[str, str], helper: Helper) -> None:
    helper("ours", """echo '{"Username": "<token>", "Secret": "t"}'""")
    assert docker_helpers.ask("ours", "r.example.org", environ) == Secret("refresh", "<token>", "t")


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_a_store_without_a_login_makes_nobody_log_in(environ: dict[str, str], helper: Helper, stream: str) -> None:
    helper("ours", f"echo 'credentials not found in native keychain'{stream}; exit 1")
    assert docker_helpers.ask("ours", "r.example.org", environ) is None


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo sesame; echo sesame >&2; exit 3", "docker-credential-ours failed for a.b with exit code 3"),
        ("kill -9 $$", "docker-credential-ours failed for a.b with exit code -9"),
        ("echo sesame", "docker-credential-ours did not answer for a.b as credential helpers do"),
        ("""echo '["sesame"]'""", "docker-credential-ours did not answer for a.b as credential helpers do"),
        ("""echo '{"Username": "sesame"}'""", "docker-credential-ours did not answer for a.b as"),
        ("""echo '{"Username": 5, "Secret": "sesame"}'""", "docker-credential-ours did not answer for a.b as"),
        ("""echo '{"Username": "sesame", "Secret": ""}'""", "docker-credential-ours did not answer for a.b as"),
        (r"printf '\377'", "docker-credential-ours did not answer for a.b as credential helpers do"),
    ],
)
def test_a_helper_that_fails_is_named_and_nothing_of_what_it_wrote(
    environ: dict[str, str], helper: Helper, script: str, told: str
) -> None:
    helper("ours", script)
    with pytest.raises(RegistryRefused) as caught:
        docker_helpers.ask("ours", "a.b", environ)
    assert caught.value.message.startswith(told)
    assert "sesame" not in f"{caught.value}{caught.value.hint}"


def test_a_helper_that_is_missing_or_no_program_is_told(environ: dict[str, str], helper: Helper) -> None:
    with pytest.raises(RegistryRefused, match="docker-credential-none cannot be started for a.b: No such file"):
        docker_helpers.ask("none", "a.b", environ)
    helper("ours", "exit 0")
    Path(environ["HOME"], "bin", "docker-credential-ours").chmod(0o644)
    environ["PATH"] = str(Path(environ["HOME"], "bin"))
    with pytest.raises(RegistryRefused, match="docker-credential-ours cannot be started for a.b: Permission denied"):
        docker_helpers.ask("ours", "a.b", environ)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "/bin/sh", "-x", "a b", "a;b", "a\n", "a\x00", ".."])
def test_the_name_of_a_helper_cannot_leave_its_place(environ: dict[str, str], name: str) -> None:
    with pytest.raises(RegistryRefused, match="is no name of a credential helper"):
        docker_helpers.ask(name, "a.b", environ)


def test_a_helper_that_hangs_is_ended_and_may_be_asked_again(
    environ: dict[str, str], helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_helpers, "SECONDS", 0.3)
    helper("ours", "sleep 600")
    with pytest.raises(RegistryUnavailable, match="docker-credential-ours did not say within"):
        docker_helpers.ask("ours", "a.b", environ)


def test_a_helper_sees_the_variables_of_its_cloud_and_none_of_ours(environ: dict[str, str], helper: Helper) -> None:
    helper("ours", 'printf \'{"Username": "x%s", "Secret": "%s"}\' "$UPDATER_GITHUB_TOKEN" "$AWS_PROFILE"')
    environ |= {"UPDATER_GITHUB_TOKEN": "sesame", "AWS_PROFILE": "acme"}
    assert docker_helpers.ask("ours", "a.b", environ) == Secret("basic", "x", "acme")
