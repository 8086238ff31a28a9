"""`updater serve`: the service."""

from __future__ import annotations

import os

import click

from updater.cli.options import Common, common
from updater.errors import UsageError


@click.command()
@click.option(
    "--listen", metavar="ADDRESS:PORT", help="Where to listen  [default: UPDATER_LISTEN, else 127.0.0.1:8080]"
)
@common
def serve(common: Common, listen: str | None) -> None:
    """Run the service: web hooks, Pub/Sub, metrics, API.

    It takes events and does what they call for, until it is stopped. Web hooks go to /hooks/SOURCE. A source is open
    once it has a secret (UPDATER_HOOK_SECRET_SOURCE, one or two with a comma between them); on a loopback address
    UPDATER_HOOKS_OPEN=1 opens all. /healthz, /readyz, /metrics and /api/v1 tell how it is.

    \b
    Settings (`_FILE` behind a secret's name names a file that holds it):
      UPDATER_LISTEN                   where to listen                        127.0.0.1:8080
      UPDATER_HOOK_SECRET_<SOURCE>     who may send web hooks                 none: the source is closed
      UPDATER_HOOKS_OPEN               1 lets everybody send, on loopback     closed
      UPDATER_PUBSUB_AUDIENCE          of the tokens of Pub/Sub's push        none: no token is accepted
      UPDATER_PUBSUB_SENDER            accounts that may push                 none: no token is accepted
      UPDATER_PUBSUB_CERTS_URL         Google's keys                          Google's own address
      UPDATER_SNS_TOPICS               topics of Amazon SNS that may send     none
      UPDATER_PUBSUB_SUBSCRIPTION      what is pulled, with commas            nothing
      UPDATER_PUBSUB_DEAD_LETTERS      topic for what cannot be read          the inbox keeps it
      UPDATER_PUBSUB_MAX_MESSAGES      held at the same time                  1000
      UPDATER_QUEUE                    pubsub: replicas share web hooks       the inbox of this machine
      UPDATER_QUEUE_TOPIC              where web hooks are published          -
      UPDATER_QUEUE_SUBSCRIPTION       where replicas get them                -
      UPDATER_OUTCOMES                 topic or address that is told          nobody
      UPDATER_OUTCOMES_SECRET          signs what an address is told          unsigned
      UPDATER_API_TOKEN                who may use /api/v1                    this machine alone
      UPDATER_PROXIES                  whose X-Forwarded-For counts           nobody's
      UPDATER_RECONCILE_SECONDS        between two passes over everything     300
      UPDATER_REGISTRY_INTERVAL        between two looks at registries        1h; `off`: never
      UPDATER_INBOX_DAYS               how long ended events are kept         14
      UPDATER_LOG                      json or console                        console on a terminal
      UPDATER_LOG_LEVEL                debug, info, warning or error          info
    Those for the repository and the forge are as for every command.
    """
    try:
        from updater.service import serving, settings
    except ImportError as error:
        hint = "install manifest-updater[serve]"
        raise UsageError(f"the service needs more than is installed: {error.name} is missing", hint=hint) from error

    if common.json:
        raise UsageError("the service prints no results", hint="UPDATER_LOG=json makes its log JSON")
    serving.run(common.settings(), settings.read(os.environ, listen), os.environ)
