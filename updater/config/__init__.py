"""The configuration of environments: reading and checking `environments/*.yaml` (the GitOps repository's own words)."""

from updater.config.files import load
from updater.config.schema import json_schema
from updater.core.environment import Configuration
from updater.core.not_yet import NotYet, not_yet

__all__ = ["Configuration", "NotYet", "json_schema", "load", "not_yet"]
