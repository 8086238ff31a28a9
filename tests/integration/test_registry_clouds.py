"""Logging in to the registries of clouds: their own libraries, against servers that speak as the clouds document it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.identity import DefaultAzureCredential
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.helpers.authority import private_pem
from tests.helpers.faulty_registry import Answer, FaultyRegistry, Request, faulty_registry
from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable
from updater.registries import acr, ecr, google, settings
from updater.registries.credentials import Secret

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ACR = "acme.azurecr.io"


@pytest.fixture(autouse=True)
def no_clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of the person or machine, and no proxy between a test and its server."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "CLOUDSDK_", "GCE_", "GOOGLE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("NO_GCE_CHECK", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cloud() -> Iterator[FaultyRegistry]:
    with faulty_registry(lambda _request: Answer(500)) as server:
        yield server


def in_json(said: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(said).encode())


def key_file(folder: Path, cloud: FaultyRegistry) -> Path:
    """A key of a service account whose tokens are given out by a server of ours."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    said = {
        "type": "service_account", "private_key_id": "1", "private_key": private_pem(key).decode(),
        "client_email": "robot@acme.iam.example", "token_uri": f"{cloud.url}/token",
    }  # fmt: skip
    file = folder / "key.json"
    file.write_text(json.dumps(said))
    return file


def test_google_changes_a_key_file_for_an_access_token(
    cloud: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, cloud)))
    cloud.answer = lambda _request: in_json({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
    before = datetime.now(UTC)
    login = settings.read(os.environ).place("us-docker.pkg.dev").login
    assert login is not None
    secret = login()
    assert secret is not None
    assert (secret.kind, secret.username, secret.password) == ("basic", "oauth2accesstoken", "t")
    assert secret.until is not None
    assert timedelta(minutes=59) < secret.until - before < timedelta(minutes=61)
    (asked,) = cloud.requests
    claims = json.loads(base64.urlsafe_b64decode(asked.body.split(b".")[1] + b"=="))
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


@pytest.mark.parametrize(
    ("answer", "failure", "told"),
    [
        (
            in_json({"error": "invalid_grant", "error_description": "account not found"}, 400),
            RegistryRefused,
            "account not",
        ),
        (in_json({"error": "invalid_client"}, 401), RegistryRefused, "invalid_client"),
    ],
)
def test_google_that_gives_no_token_says_why(
    cloud: FaultyRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    failure: type[RegistryError],
    told: str,
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, cloud)))
    cloud.answer = lambda _request: answer
    with pytest.raises(failure, match=told) as caught:
        google.secret()
    assert caught.value.message.startswith("Google gave no access token: ")


def test_google_that_does_not_answer_is_asked_again_later(
    cloud: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_request: Request) -> Answer:
        raise ConnectionError

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, cloud)))
    cloud.answer = cut
    with pytest.raises(RegistryUnavailable, match="Google gave no access token"):
        google.secret()


@pytest.mark.parametrize("content", [None, "", "{", "{}", '{"type": "service_account"}'])
def test_a_key_file_of_google_that_is_none_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(RegistryRefused, match="there are no Google credentials") as caught:
        google.secret()
    assert "GOOGLE_APPLICATION_CREDENTIALS" in (caught.value.hint or "")


def test_google_federates_the_identity_of_a_workload(
    cloud: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "subject").write_text("a token of the cluster")
    said = {
        "type": "external_account", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "token_url": f"{cloud.url}/v1/token", "credential_source": {"file": str(tmp_path / "subject")},
    }  # fmt: skip
    (tmp_path / "federation.json").write_text(json.dumps(said))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "federation.json"))
    cloud.answer = lambda _request: in_json(
        {"access_token": "t", "expires_in": 600, "token_type": "Bearer", "issued_token_type": "x"}
    )
    assert google.secret().password == "t"
    assert any(b"a+token+of+the+cluster" in request.body for request in cloud.requests)


def test_google_asks_the_metadata_server_of_the_machine(cloud: FaultyRegistry) -> None:
    def answer(request: Request) -> Answer:
        flavour = {"metadata-flavor": "Google", "content-type": "application/json"}
        said: Any = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
        if not request.path.endswith("/token"):
            said = {"email": "robot@acme.iam.example", "scopes": ["x"]} if "default" in request.path else "acme"
        return Answer(200, flavour, json.dumps(said).encode())

    cloud.answer = answer
    # In a process of its own: where that server is, is read when the library is imported.
    code = "from updater.registries import google; print(google.secret().password)"
    environ = {**os.environ, "GCE_METADATA_HOST": cloud.host, "GCE_METADATA_IP": cloud.host}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environ, capture_output=True, timeout=60)
    assert (done.stdout, done.returncode) == (b"t\n", 0), done.stderr
    assert cloud.count("GET", "/service-accounts/default/token") == 1
    assert all(request.headers["metadata-flavor"] == "Google" for request in cloud.requests)


def ecr_token(text: str = "AWS:sesame", expires: float = 1_795_000_000.5) -> Answer:
    token = base64.b64encode(text.encode()).decode()
    return in_json({"authorizationData": [{"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": "x"}]})


@pytest.fixture
def on_aws(cloud: FaultyRegistry, monkeypatch: pytest.MonkeyPatch) -> FaultyRegistry:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", cloud.url)
    return cloud


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (ECR, "eu-central-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr-ecr.us-west-2.on.aws", "us-west-2"),
    ],
)
def test_ecr_gives_a_password_for_the_region_in_the_name(on_aws: FaultyRegistry, host: str, region: str) -> None:
    on_aws.answer = lambda _request: ecr_token()
    assert ecr.secret(host) == Secret("basic", "AWS", "sesame", datetime.fromtimestamp(1_795_000_000.5, UTC))
    (asked,) = on_aws.requests
    assert asked.headers["x-amz-target"].endswith(".GetAuthorizationToken")
    assert f"/{region}/ecr/aws4_request" in asked.headers["authorization"]


def test_ecr_takes_the_credentials_of_a_pod(
    on_aws: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/pod":
            assert request.headers["authorization"] == "a token of the pod"
            return in_json(
                {"AccessKeyId": "ASIA9", "SecretAccessKey": "x", "Token": "y", "Expiration": "2126-11-20T10:00:00Z"}
            )
        return ecr_token()

    (tmp_path / "token").write_text("a token of the pod")
    on_aws.answer = answer
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{on_aws.url}/pod")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    assert ecr.secret(ECR).password == "sesame"
    assert "Credential=ASIA9/" in on_aws.requests[-1].headers["authorization"]


def aws_error(code: str, status: int) -> Answer:
    return in_json({"__type": code, "message": "the message"}, status)


@pytest.mark.parametrize(
    ("answer", "failure", "told"),
    [
        (aws_error("AccessDeniedException", 400), RegistryRefused, "gives no token for .*: AccessDeniedException"),
        (aws_error("UnrecognizedClientException", 403), RegistryRefused, "UnrecognizedClientException"),
        (aws_error("ThrottlingException", 400), RegistryUnavailable, "answered ThrottlingException"),
        (aws_error("ServerException", 500), RegistryUnavailable, "answered ServerException"),
        (Answer(502, {}, b"<html>"), RegistryUnavailable, "answered 502"),
        (in_json({"authorizationData": []}), RegistryRefused, "answered for .* with no token"),
        (in_json({}), RegistryRefused, "answered for .* with no token"),
        (Answer(200, {}, b"<html>"), RegistryRefused, "answered for .* with no token"),
    ],
)
def test_ecr_that_gives_no_token_says_why(
    on_aws: FaultyRegistry, answer: Answer, failure: type[RegistryError], told: str
) -> None:
    on_aws.answer = lambda _request: answer
    with pytest.raises(failure, match=told) as caught:
        ecr.secret(ECR)
    assert ECR in caught.value.message


def test_ecr_that_is_away_is_asked_again_later(monkeypatch: pytest.MonkeyPatch, on_aws: FaultyRegistry) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    with pytest.raises(RegistryUnavailable, match="did not answer"):
        ecr.secret(ECR)


def test_ecr_without_credentials_says_what_to_do() -> None:
    with pytest.raises(RegistryRefused, match="there are no AWS credentials") as caught:
        ecr.secret(ECR)
    assert "AWS_ACCESS_KEY_ID" in (caught.value.hint or "")


def test_ecr_with_a_profile_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "acme")
    with pytest.raises(RegistryRefused, match="AWS gave no token for .*acme"):
        ecr.secret(ECR)


@pytest.mark.parametrize(
    "host",
    ["public.ecr.aws", "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example", "12.dkr.ecr.x.amazonaws.com",
     "evil.example/123456789012.dkr.ecr.x.amazonaws.com", "123456789012.dkr.ecr.x.evil.example"],
)  # fmt: skip
def test_what_is_no_registry_of_aws_gets_nothing_from_it(host: str) -> None:
    with pytest.raises(RegistryRefused, match="is no registry of Amazon ECR"):
        ecr.secret(host)


def refresh_token(payload: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.sig"


@pytest.fixture
def on_azure(cloud: FaultyRegistry, monkeypatch: pytest.MonkeyPatch) -> FaultyRegistry:
    """A machine with a managed identity, and a registry that trusts it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{cloud.url}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "of this machine")
    return cloud


def azure(exchanged: Answer, identity: Answer | None = None) -> Any:
    def answer(request: Request) -> Answer:
        if request.path == "/identity":
            assert request.headers["x-identity-header"] == "of this machine"
            return identity or in_json({"access_token": "of azure", "expires_on": "4102444800", "token_type": "Bearer"})
        assert (request.method, request.path) == ("POST", "/oauth2/exchange")
        return exchanged

    return answer


def test_acr_changes_the_token_of_an_identity_for_one_of_its_own(on_azure: FaultyRegistry) -> None:
    token = refresh_token(b'{"exp": 1795000000}')
    on_azure.answer = azure(in_json({"refresh_token": token}))
    end = datetime.fromtimestamp(1_795_000_000, UTC)
    assert acr.secret(ACR, on_azure.url) == Secret("refresh", acr.USER, token, end)
    identity, exchange = on_azure.requests
    assert identity.query["resource"] == "https://containerregistry.azure.net"
    assert exchange.body == b"grant_type=access_token&service=acme.azurecr.io&access_token=of+azure"


@pytest.mark.parametrize(
    "token",
    ["t", "a.b.c", "a..c", refresh_token(b"[]"), refresh_token(b"{}"), refresh_token(b'{"exp": "soon"}'), "a.\u00e9.c",
     refresh_token(b'{"exp": 1e300}'), refresh_token(b'{"exp": 99999999999999999}'), refresh_token(b"\xff")],
)  # fmt: skip
def test_a_refresh_token_that_tells_no_end_is_good_until_it_is_turned_away(
    on_azure: FaultyRegistry, token: str
) -> None:
    on_azure.answer = azure(in_json({"refresh_token": token}))
    assert acr.secret(ACR, on_azure.url) == Secret("refresh", acr.USER, token)


@pytest.mark.parametrize(
    ("answer", "failure", "told"),
    [
        (in_json({"errors": [{"code": "UNAUTHORIZED"}]}, 401), RegistryRefused, "it answered 401"),
        (Answer(302, {"location": "https://evil.example"}), RegistryRefused, "it answered 302"),
        (Answer(429), RegistryUnavailable, "it answered 429"),
        (Answer(503), RegistryUnavailable, "it answered 503"),
        (Answer(200, {}, b"<html>"), RegistryRefused, "answers as no registry of Azure does"),
        (in_json(["x"]), RegistryRefused, "answers as no registry of Azure does"),
        (in_json({"refresh_token": 5}), RegistryRefused, "answers as no registry of Azure does"),
        (in_json({"refresh_token": ""}), RegistryRefused, "answers as no registry of Azure does"),
        (Answer(200, {}, b"x" * 100_000), RegistryUnavailable, "gave no refresh token"),
    ],
)
def test_acr_that_gives_no_token_says_why(
    on_azure: FaultyRegistry, answer: Answer, failure: type[RegistryError], told: str
) -> None:
    on_azure.answer = azure(answer)
    with pytest.raises(failure, match=told) as caught:
        acr.secret(ACR, on_azure.url)
    assert "of azure" not in f"{caught.value}{caught.value.hint}"


def test_an_identity_that_azure_does_not_know_is_told_with_what_to_do(
    on_azure: FaultyRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    on_azure.answer = azure(Answer(), in_json({"error": "invalid_request"}, 400))
    with pytest.raises(RegistryUnavailable, match="Azure gave no token for acme.azurecr.io") as caught:
        acr.secret(ACR, on_azure.url)
    assert "AZURE_CLIENT_ID" in (caught.value.hint or "")
    assert "ManagedIdentityCredential" in caplog.text


def test_an_identity_that_does_not_answer_is_asked_again_later(
    on_azure: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acr, "DefaultAzureCredential", lambda: DefaultAzureCredential(retry_total=0))
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/identity")
    with pytest.raises(RegistryUnavailable, match="Azure gave no token for acme.azurecr.io"):
        acr.secret(ACR, on_azure.url)


def test_clouds_are_logged_in_to_where_the_file_says_so(
    on_aws: FaultyRegistry, on_azure: FaultyRegistry, tmp_path: Path
) -> None:
    def answer(request: Request) -> Answer:
        return ecr_token() if request.path == "/" else azure(in_json({"refresh_token": "t"}))(request)

    on_aws.answer = answer
    file = tmp_path / "registries.yaml"
    file.write_text(f"'*.dkr.ecr.*.amazonaws.com': {{login: ecr}}\n{ACR}: {{login: acr, url: '{on_azure.url}'}}\n")
    places = settings.read({"UPDATER_REGISTRIES": str(file)})
    secrets = {host: login() for host in (ECR, ACR) if (login := places.place(host).login)}
    assert secrets[ECR] == ecr.secret(ECR)
    assert secrets[ACR] == Secret("refresh", acr.USER, "t")


@pytest.mark.parametrize("host", ["acme.azurecr.io.evil.example", "azurecr.io", "evil.example", "acme.azurecr.io:443"])
def test_what_is_no_registry_of_azure_gets_nothing_from_it(on_azure: FaultyRegistry, host: str) -> None:
    with pytest.raises(RegistryRefused, match="is no registry of Azure"):
        acr.secret(host, on_azure.url)
    assert on_azure.requests == []
