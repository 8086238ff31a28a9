"""The configuration of environments: reading and checking `environments/*.yaml` (the GitOps repository's own words)."""

from updater.config.files import FOLDER, load
from updater.config.schema import json_schema

__all__ = ["FOLDER", "json_schema", "load"]
