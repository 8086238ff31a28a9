"""How registries are spoken to: what the file of `UPDATER_REGISTRIES` says, and what goes without it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.authority import Authority
from updater.core.references import normalise
from updater.errors import UsageError
from updater.registries import hosts, settings
from updater.registries.credentials import Secret
from updater.registries.settings import Place, Places

Read = Callable[..., Places]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The registries of a file with a text, and of more variables."""

    def made(text: str, **more: str) -> Places:
        file = tmp_path / "registries.yaml"
        file.write_text(text)
        return settings.read({"UPDATER_REGISTRIES": str(file), "HOME": str(tmp_path), **more})

    return made


def refusal(read: Read, text: str, **more: str) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as caught:
        read(text, **more)
    message = str(caught.value)
    assert caught.value.at is not None
    return message.removeprefix(caught.value.at.path), caught.value.hint


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("registry.example.org", "https://registry.example.org"),
        ("registry.example.org:5000", "https://registry.example.org:5000"),
        ("docker.io", "https://registry-1.docker.io"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("localhost", "http://localhost"),
        ("localhost:5000", "http://localhost:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.example.org", "https://localhost.example.org"),
        ("127.0.0.1.example.org:5000", "https://127.0.0.1.example.org:5000"),
        ("10.0.0.1:5000", "https://10.0.0.1:5000"),
        ("host:5000", "https://host:5000"),
    ],
)
def test_without_settings_a_registry_answers_by_https_where_images_say_and_by_http_on_this_machine(
    host: str, url: str
) -> None:
    place = settings.read({}).place(host)
    assert (place.url, place.ca, place.calls_per_minute) == (url, None, 600)


def test_everything_that_the_file_says_of_a_registry_is_read(read: Read, tmp_path: Path) -> None:
    ca, password = Authority(tmp_path / "authority").ca, tmp_path / "secrets" / "robot"
    password.parent.mkdir()
    password.write_text("sesame\n")
    place = read(
        "registry.example.org:5000:\n  url: https://registry.internal:8443/\n  ca: authority/ca.crt\n"
        "  login: basic\n  username: robot\n  password-file: secrets/robot\n  calls-per-minute: 300\n"
    ).place("registry.example.org:5000")
    assert place.url == "https://registry.internal:8443"
    assert (place.ca, place.calls_per_minute, place.way) == (ca, 300, "basic")
    assert place.login is not None
    assert place.login() == Secret("basic", "robot", "sesame")


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("{insecure: true}", "http://127.0.0.1:5000"),
        ("{insecure: false}", "https://127.0.0.1:5000"),
        ("{url: 'https://127.0.0.1:5000'}", "https://127.0.0.1:5000"),
        ("{url: 'http://localhost:81'}", "http://localhost:81"),
        ("{ca: a/ca.crt}", "https://127.0.0.1:5000"),
        ("{calls-per-minute: 1}", "http://127.0.0.1:5000"),
    ],
)
def test_on_this_machine_it_is_http_unless_something_speaks_for_https(
    read: Read, tmp_path: Path, said: str, url: str
) -> None:
    Authority(tmp_path / "a")
    assert read(f"127.0.0.1:5000: {said}\n").place("127.0.0.1:5000").url == url


def test_another_name_may_answer_on_this_machine(read: Read) -> None:
    assert read("r.example.org: {url: 'http://127.0.0.1:5000'}\n").place("r.example.org").url == "http://127.0.0.1:5000"


def test_the_exact_host_wins_over_patterns_and_the_longer_pattern_over_the_shorter(read: Read) -> None:
    places = read(
        "'*.pkg.dev': {calls-per-minute: 1}\n'us-*.pkg.dev': {calls-per-minute: 2}\n"
        "us-docker.pkg.dev: {calls-per-minute: 3}\n"
    )
    named = {"us-docker.pkg.dev": 3, "us-go.pkg.dev": 2, "eu.pkg.dev": 1, "a.b.pkg.dev": 600, "pkg.dev": 600}
    assert {host: places.place(host).calls_per_minute for host in named} == named
    assert places.hosts() == ["us-docker.pkg.dev"]


@pytest.mark.parametrize(
    "pattern", ["*", "*.org", "*.*", "r.*.org", "r.example.*", "*.example.*", "**", "*.example.org:*", "*/x", "*@a.b.c"]
)
def test_a_pattern_never_reaches_over_the_end_of_a_domain(read: Read, pattern: str) -> None:
    told, _ = refusal(read, f"'{pattern}': {{}}\n")
    assert told.startswith(":1: ")
    assert told.endswith("is no host of a registry")


label = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
name = st.lists(label, min_size=3, max_size=5).map(".".join)


@given(name, st.data())
def test_a_star_stands_for_a_part_of_one_name_and_no_dot(host: str, data: st.DataObject) -> None:
    parts = host.split(".")
    index = data.draw(st.integers(0, len(parts) - 3))
    cut = data.draw(st.integers(0, len(parts[index])))
    pattern = ".".join([*parts[:index], f"{parts[index][:cut]}*", *parts[index + 1 :]])
    assert hosts.is_pattern(pattern)
    assert hosts.fits(pattern, host)
    assert not hosts.fits(pattern, f"x.{host}")
    assert not hosts.fits(pattern, f"{host}.evil.example")
    assert not hosts.fits(pattern, f"{host}:5000")


@given(name, label)
def test_a_host_is_named_as_in_the_images_of_its_registry(host: str, path: str) -> None:
    assert normalise(f"{host.upper()}/{path}") == f"{hosts.named(host.upper())}/{path}"


@pytest.mark.parametrize("alias", ["docker.io", "index.docker.io", "Registry-1.Docker.io"])
def test_docker_hub_has_several_names(read: Read, alias: str) -> None:
    places = read(f"{alias}: {{calls-per-minute: 7}}\n")
    assert (places.place("docker.io").calls_per_minute, places.hosts()) == (7, ["docker.io"])


AS_IMAGES_DO = "write it as images do"


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("- x\n", ":1: the file must be a mapping of registries, by host", None),
        ("", ":1: the file is empty", None),
        ("a: [\n", ":2: ", None),
        ("r.example.org: {}\nr.example.org: {}\n", ":2: ", None),
        ("docker.io: {}\nindex.docker.io: {}\n", ":2: index.docker.io: the registry docker.io is described", None),
        ("registry: {}\n", ":1: registry is no host of a registry", AS_IMAGES_DO),
        ("registry: {}\nother: {}\n", ":1: registry is no host of a registry", AS_IMAGES_DO),
        ("https://r.example.org: {}\n", ":1: https://r.example.org is no host of a registry", AS_IMAGES_DO),
        ("r.example.org/team: {}\n", ":1: r.example.org/team is no host of a registry", AS_IMAGES_DO),
        ("r.example.org:\n", ":1: r.example.org: must be a mapping of keys", "known here: url, ca,"),
        ("r.example.org: 5\n", ":1: r.example.org: must be a mapping of keys", "known here: url, ca,"),
        ("10.0.0.1:5000:\n  insecure: true\n", ":2: 10.0.0.1:5000: `insecure` is for this machine", "by https"),
        ("'*.example.org':\n  insecure: true\n", ":2: *.example.org: `insecure` is for this machine", "by https"),
        ("'*.example.org':\n  url: https://a.b\n", ":2: *.example.org: a pattern is for many registries", None),
        ("127.0.0.1:\n  insecure: true\n  ca: x\n", ":3: 127.0.0.1: there are no certificates", "take it out"),
        ("127.0.0.1:\n  url: http://[::1]\n  ca: x\n", ":3: 127.0.0.1: there are no certificates", "take it out"),
        ("127.0.0.1:\n  insecure: true\n  url: https://a.b\n", ":2: 127.0.0.1: `url` says by", "take `insecure` out"),
    ],
)
def test_what_is_wrong_with_a_registry_is_told_with_its_line(
    read: Read, text: str, told: str, hint: str | None
) -> None:
    message, shown = refusal(read, text)
    assert message.startswith(told)
    assert (hint or "") in (shown or "")


LOGINS = "`login` must be one of docker, google, ecr, acr, basic, anonymous"


@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        ("ulr: x", "unknown key `ulr`", "did you mean `url`?"),
        ("zzz: x", "unknown key `zzz`", "known here: url, ca, insecure, login, username, password-file, password-env"),
        ("url:", "`url` is empty", "give it a value"),
        ("url: 5", "`url` must be text", "put it in quotes"),
        ("url: [x]", "`url` must be text", None),
        ("insecure: yes", "`insecure` must be true or false", "`yes`, `no`"),
        ("login: gogle", LOGINS, "did you mean `google`?"),
        ("login: true", LOGINS, None),
        *(
            (f"calls-per-minute: {wrong}", "`calls-per-minute` must be a whole number, 1 or more", None)
            for wrong in ("0", "-1", "1.5", "many", "'600'", "true")
        ),
        ("ca: none.pem", "", "it is a file of certificates in PEM"),
        ("username: robot", "`username` has no effect without `login: basic`", None),
        ("password-env: X", "`password-env` has no effect without `login: basic`", None),
        ("login: basic", "`login: basic` needs `username`, and one of", "a token is a password, too"),
        ("login: basic\n  username: u", "`login: basic` needs `username`, and one of", "a token is a password, too"),
        ("login: basic\n  username: u\n  password-env: A\n  password-file: b", "`login: basic` needs", None),
        ("login: basic\n  username: u\n  password-env: A", "there is no password of u in the variable A", None),
        ("login: basic\n  username: u\n  password-file: none", "the password of u cannot be read from ", None),
    ],
)
def test_what_is_wrong_with_a_key_is_told_with_its_line(read: Read, said: str, told: str, hint: str | None) -> None:
    message, shown = refusal(read, f"r.example.org:\n  {said}\n")
    assert message.startswith(f":2: r.example.org: {told}")
    assert (hint or "") in (shown or "")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("registry.example.org", "is no https:// URL"),
        ("ftp://r.example.org", "is no https:// URL"),
        ("https://", "is no https:// URL"),
        ("https://[", "is no https:// URL"),
        ("https://a.b:x", "is no https:// URL"),
        ("http://r.example.org", "http is for this machine alone"),
        ("http://127.0.0.1.example.org", "http is for this machine alone"),
        ("http://localhost@r.example.org", "has a user or a password in it"),
        ("https://a.b/v2/", "goes on behind the host"),
        ("https://a.b?x=1", "goes on behind the host"),
        ("https://a.b#x", "goes on behind the host"),
    ],
)
def test_a_url_is_https_and_nothing_but_a_host(read: Read, url: str, why: str) -> None:
    told, _ = refusal(read, f"r.example.org:\n  url: '{url}'\n")
    assert told.startswith(":2: r.example.org: `url` ")
    assert why in told


def test_neither_a_password_in_the_file_nor_one_in_a_url_is_repeated(read: Read) -> None:
    for text in (
        "password: hunter2",
        "url: https://robot:hunter2@a.b",
        "login: basic\n  username: a\n  password: hunter2",
    ):
        told, hint = refusal(read, f"r.example.org:\n  {text}\n")
        assert "hunter2" not in f"{told}{hint}"
    told, hint = refusal(read, "r.example.org:\n  password: hunter2\n")
    assert told == ":2: r.example.org: a password does not belong in this file"
    assert "password-file" in (hint or "")


def test_of_several_errors_the_first_in_the_file_is_told(read: Read) -> None:
    text = "r.example.org:\n  login: basic\n  url: ftp://a.b\nother.example.org:\n  ulr: x\n"
    assert refusal(read, text)[0].startswith(":2: ")


@pytest.mark.parametrize("name", ["", "folder", "none.yaml"])
def test_a_file_that_cannot_be_read_stops_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="UPDATER_REGISTRIES: .* cannot be read"):
        settings.read({"UPDATER_REGISTRIES": str(tmp_path / name)})


def test_a_file_that_is_no_text_or_much_too_long_is_told(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_bytes(b"r.example.org: {}\n# \xff\n")
    with pytest.raises(UsageError, match=r"r\.yaml:2: the file is not UTF-8 text"):
        settings.read({"UPDATER_REGISTRIES": str(file)})
    file.write_bytes(b"#" * 2_000_000)
    with pytest.raises(UsageError, match=r"r\.yaml: the file is longer than"):
        settings.read({"UPDATER_REGISTRIES": str(file)})


@pytest.mark.parametrize("value", ["", None])
def test_without_the_variable_nothing_is_described(value: str | None) -> None:
    places = settings.read({} if value is None else {"UPDATER_REGISTRIES": value})
    assert (places.hosts(), places.is_known("r.example.org")) == ([], False)


def test_a_certificate_that_is_none_is_told(read: Read, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "ca.pem holds no certificate" in refusal(read, "r.example.org: {ca: ca.pem}\n")[0]


def test_a_password_is_read_anew_with_each_login(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    place = read("ghcr.io: {login: basic, username: x, password-file: token}\n").place("ghcr.io")
    assert place.login is not None
    before = place.login()
    file.write_text("second")
    assert (before, place.login()) == (Secret("basic", "x", "first"), Secret("basic", "x", "second"))


def test_a_password_may_be_in_a_variable(read: Read) -> None:
    place = read("ghcr.io: {login: basic, username: x, password-env: TOKEN}\n", TOKEN="sesame").place("ghcr.io")
    assert place.login is not None
    assert place.login() == Secret("basic", "x", "sesame")


def test_nothing_that_is_printed_shows_a_password(read: Read) -> None:
    places = read("ghcr.io: {login: basic, username: x, password-env: TOKEN}\n", TOKEN="sesame")
    login = places.place("ghcr.io").login
    assert login is not None
    assert "sesame" not in f"{login()!r} {places!r} {places.place('ghcr.io')!r}"


def test_nobody_logs_in_where_the_settings_say_so(read: Read) -> None:
    place = read("us-docker.pkg.dev: {login: anonymous}\n", GOOGLE_APPLICATION_CREDENTIALS="/x").place(
        "us-docker.pkg.dev"
    )
    assert place == Place("us-docker.pkg.dev", "https://us-docker.pkg.dev")


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("us-docker.pkg.dev", "google"),
        ("gcr.io", "google"),
        ("eu.gcr.io", "google"),
        ("evilgcr.io", "docker"),
        ("pkg.dev", "docker"),
        ("pkg.dev.example.org", "docker"),
        ("docker.io", "docker"),
    ],
)
def test_google_is_logged_in_to_where_its_credentials_are_named(host: str, way: str) -> None:
    named = settings.read({"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"})
    assert (named.place(host).way, named.is_known(host)) == (way, way == "google")
    unnamed = settings.read({})
    assert (unnamed.place(host).way, unnamed.is_known(host)) == ("docker", False)


def test_a_registry_is_known_by_its_description_or_a_pattern(read: Read) -> None:
    places = read("r.example.org: {}\n'*.pkg.dev': {}\n")
    hosts = ("r.example.org", "us-docker.pkg.dev", "docker.io")
    assert [places.is_known(host) for host in hosts] == [True, True, False]


@pytest.mark.parametrize(
    ("way", "library"), [("google", "google.auth"), ("ecr", "botocore.config"), ("acr", "azure.identity")]
)
def test_a_library_that_is_missing_is_told_before_anything_begins(
    read: Read, monkeypatch: pytest.MonkeyPatch, way: str, library: str
) -> None:
    monkeypatch.delitem(sys.modules, f"updater.registries.{way}", raising=False)
    monkeypatch.delattr(f"updater.registries.{way}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    extra = {"google": "google", "ecr": "aws", "acr": "azure"}[way]
    told, hint = refusal(read, f"r.example.org:\n  login: {way}\n")
    assert told.startswith(f":2: r.example.org: `login: {way}` needs more than is installed: {library}")
    assert hint == f"install manifest-updater[registry-{extra}]"
