"""Images that have another name in the next environment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.copies import name_here, name_there

COPIES = {
    "dev.example/models/*": "prod.example/released/*",
    "dev.example/*/tools-*": "prod.example/tools/*/*",
    "eu.example/**/app": "prod.example/apps/**/app",
    "eu.example/**": "prod.example/eu/**",
    "acme/*": "prod.example/hub/*",
}


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("dev.example/models/model-a", "prod.example/released/model-a"),
        ("dev.example/team/tools-x", "prod.example/tools/team/x"),
        ("eu.example/a/b/app", "prod.example/apps/a/b/app"),
        ("eu.example/app", "prod.example/apps/app"),
        ("eu.example/a/b", "prod.example/eu/a/b"),
        ("docker.io/acme/model-a", "prod.example/hub/model-a"),
    ],
)
def test_what_wildcards_stand_for_is_kept_in_both_directions(there: str, here: str) -> None:
    assert name_here(there, COPIES) == here
    assert name_there(here, COPIES) == there


@pytest.mark.parametrize(
    "image",
    ["other.example/models/model-a", "dev.example/models/deep/model-a", "dev.example/models", "devxexample/models/a"],
)
def test_an_image_that_no_pattern_is_about_keeps_its_name(image: str) -> None:
    assert name_here(image, COPIES) == image


def test_without_copies_every_image_keeps_its_name() -> None:
    assert name_here("dev.example/models/model-a", None) == name_there("dev.example/models/model-a", None)


def test_the_first_pattern_that_fits_decides_alone() -> None:
    copies = {"dev.example/models/special": "one.example/a/b", "dev.example/models/*": "two.example/a/*"}
    assert name_here("dev.example/models/special", copies) == "one.example/a/b"
    assert name_here("dev.example/models/special", dict(reversed(copies.items()))) == "two.example/a/special"


def test_the_name_is_normalised_as_that_of_an_entry() -> None:
    assert name_here("dev.example/nginx", {"dev.example/**": "docker.io/**"}) == "docker.io/library/nginx"
    assert name_here("dev.example/models/nginx", {"dev.example/models/*": "acme/*"}) == "docker.io/acme/nginx"


@given(st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,5})?", fullmatch=True))
def test_there_and_back_is_the_same(name: str) -> None:
    image = f"dev.example/models/{name}"
    assert name_there(name_here(image, COPIES), COPIES) == image
