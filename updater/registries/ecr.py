"""Logging in to Amazon ECR with the credentials that AWS's libraries find.

Those are: variables, the shared files, the role of a service account (IRSA, EKS Pod Identity), of a task or a machine.
`GetAuthorizationToken` changes them for a password that is good for twelve hours, for every registry that they may use:
"Private registry authentication" in the guide to Amazon ECR.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC

from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.session import Session  # type: ignore[import-untyped]

from updater.errors import RegistryError, RegistryRefused, RegistryUnavailable
from updater.registries.credentials import Secret

_HOST = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)"
)
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
_HINT = "give the role of the updater `ecr:GetAuthorizationToken`, and the rights to read the repositories"


def secret(host: str) -> Secret:
    """A password for the registry of an account in a region. Raises `RegistryError`."""
    found = _HOST.fullmatch(host)
    if found is None:
        hint = "it is for <account>.dkr.ecr.<region>.amazonaws.com; public.ecr.aws needs no login"
        raise RegistryRefused(f"{host} is no registry of Amazon ECR, so `login: ecr` cannot be meant", hint=hint)
    try:
        with_region = Session().create_client("ecr", region_name=found["region"], config=_CONFIG)
        (answer,) = with_region.get_authorization_token()["authorizationData"]
        username, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        return Secret("basic", username, password, answer["expiresAt"].astimezone(UTC))
    except (BotoCoreError, ClientError) as error:
        raise _failure(host, error) from error
    except (KeyError, ValueError) as error:
        raise RegistryRefused(f"Amazon ECR answered for {host} with no token") from error


def _failure(host: str, error: BotoCoreError | ClientError) -> RegistryError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        hint = (
            "run with a role (IRSA, EKS Pod Identity, of the task or machine), or set AWS_ACCESS_KEY_ID and its secret"
        )
        return RegistryRefused(f"there are no AWS credentials for {host}", hint=hint)
    if isinstance(error, ConnectionError | HTTPClientError):
        return RegistryUnavailable(f"Amazon ECR did not answer for {host}: {type(error).__name__}")
    if not isinstance(error, ClientError):
        return RegistryRefused(f"AWS gave no token for {host}: {error}", hint=_HINT)
    code, status = error.response["Error"].get("Code", "?"), error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status >= 500 or "Throttling" in code:
        return RegistryUnavailable(f"Amazon ECR answered {code} for {host}")
    return RegistryRefused(f"Amazon ECR gives no token for {host}: {code}", hint=_HINT)
