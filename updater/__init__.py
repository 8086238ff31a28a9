"""Turns container-registry events into git commits that bump image tags in kustomize overlays."""

__version__ = "0.1.0"
