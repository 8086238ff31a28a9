"""Bringing pull requests into line with a plan: their branches, their texts, and what the forge is asked to do."""
