"""What is behind a digest in a registry, and where its labels say that it was built from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.helpers.image_layouts import CONFIG, INDEX, LAYER, MANIFEST, sha256
from updater.errors import RegistryRefused, RegistryUnavailable
from updater.model import Origin
from updater.registries.answers import Served
from updater.registries.images import MAX_CONFIG, Looked, look

REVISION = "org.opencontainers.image.revision"
VERSION = "org.opencontainers.image.version"
HELM = "application/vnd.cncf.helm.config.v1+json"


class Shelf:
    """A registry in memory. What is asked of it is noted."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}
        self.asked: list[str] = []

    def manifest(self, repository: str, reference: str) -> Served | None:
        self.asked.append(reference)
        content = self.there.get(reference)
        return None if content is None else Served(reference, MANIFEST, content)

    def blob(self, repository: str, digest: str, max_bytes: int) -> bytes:
        self.asked.append(digest)
        content = self.there.get(digest)
        if content is None:
            raise RegistryRefused(f"{repository} has no {digest}")
        assert len(content) <= max_bytes
        return content

    def put(self, content: bytes) -> str:
        self.there[sha256(content)] = content
        return sha256(content)

    def named(self, content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": self.put(content), "size": len(content), **more}

    def image(self, labels: Mapping[str, str] | None = None, config_type: str = CONFIG, **more: Any) -> str:
        config = self.named(json.dumps({"config": {"Labels": labels}}).encode(), config_type)
        return self.document({"config": config, "layers": [self.named(b"a model", LAYER)], **more})

    def index(self, *children: str, **more: Any) -> str:
        listed = [{"mediaType": MANIFEST, "digest": each, "size": 7} for each in children]
        return self.document({"mediaType": INDEX, "manifests": listed, **more})

    def document(self, document: Mapping[str, Any]) -> str:
        return self.put(json.dumps({"schemaVersion": 2, **document}).encode())


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def seen(shelf: Shelf, digest: str) -> Looked:
    return look(shelf, "acme/model-a", digest)


def test_labels_tell_where_an_image_was_built_from(shelf: Shelf) -> None:
    labels = {"org.opencontainers.image.source": "https://github.com/acme/model-a.git", REVISION: "3fa9c1e"}
    image = shelf.image(labels)
    assert seen(shelf, image) == Looked(Origin("https://github.com/acme/model-a", "3fa9c1e"))
    assert len(shelf.asked) == 2


def test_an_image_without_labels_may_run_and_comes_from_nowhere(shelf: Shelf) -> None:
    assert seen(shelf, shelf.image()) == Looked()


def test_one_image_of_an_index_speaks_for_all(shelf: Shelf) -> None:
    first, second = shelf.image({VERSION: "1"}), shelf.image({VERSION: "2"})
    assert seen(shelf, shelf.index(first, second)) == Looked(Origin(version="1"))
    assert second not in shelf.asked


def test_an_index_may_list_indexes_but_not_without_end(shelf: Shelf) -> None:
    twice = shelf.index(shelf.index(shelf.image({VERSION: "1"})))
    assert seen(shelf, twice) == Looked(Origin(version="1"))
    assert seen(shelf, shelf.index(twice)) == Looked(refusal="lists lists of lists of images, which nobody reads")


def test_annotations_tell_what_labels_do_not_the_inner_ones_first(shelf: Shelf) -> None:
    image = shelf.image({VERSION: "label"}, annotations={VERSION: "inner", REVISION: "inner"})
    outer = {VERSION: "outer", REVISION: "outer", "org.opencontainers.image.source": "https://git.example/x"}
    found = Looked(Origin("https://git.example/x", "inner", "label"))
    assert seen(shelf, shelf.index(image, annotations=outer)) == found


def test_a_large_config_is_not_fetched(shelf: Shelf) -> None:
    config = {"mediaType": CONFIG, "digest": sha256(b"large"), "size": MAX_CONFIG + 1}
    image = shelf.document({"config": config, "layers": [], "annotations": {VERSION: "1"}})
    assert seen(shelf, image) == Looked(Origin(version="1"))
    assert shelf.asked == [image]


def test_what_an_index_lists_need_not_be_there(shelf: Shelf) -> None:
    assert seen(shelf, shelf.index(sha256(b"gone"), annotations={VERSION: "1"})) == Looked(Origin(version="1"))


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"<html>", "cannot be read as an image: it is no JSON"),
        (b'{"schemaVersion": 1}', "cannot be read as an image: the manifest has Docker's old format (schema 1)"),
        (b'{"manifests": []}', "has nothing in it that can run"),
    ],
)
def test_what_is_no_image_is_refused_in_words(shelf: Shelf, content: bytes, refusal: str) -> None:
    found = seen(shelf, shelf.put(content))
    assert found.origin is None
    assert (found.refusal or "").startswith(refusal)


def test_a_chart_is_refused_before_its_config_is_read(shelf: Shelf) -> None:
    chart = shelf.image(config_type=HELM)
    assert seen(shelf, shelf.index(chart)) == Looked(refusal="is a Helm chart, not an image")
    assert len(shelf.asked) == 2


def test_a_config_that_is_none_is_refused(shelf: Shelf) -> None:
    image = shelf.document({"config": shelf.named(b"[]", CONFIG), "layers": []})
    assert seen(shelf, image).refusal == "cannot be read as an image: the image's config is no JSON object"


def test_what_is_gone_is_refused(shelf: Shelf) -> None:
    assert seen(shelf, sha256(b"gone")) == Looked(refusal="is not in the registry any more")


def test_a_config_that_the_registry_does_not_give_is_its_failure(shelf: Shelf) -> None:
    config = {"mediaType": CONFIG, "digest": sha256(b"gone"), "size": 7}
    with pytest.raises(RegistryRefused):
        seen(shelf, shelf.document({"config": config, "layers": []}))


def test_a_registry_that_does_not_answer_is_no_image_that_is_gone() -> None:
    class Down(Shelf):
        def manifest(self, repository: str, reference: str) -> Served | None:
            raise RegistryUnavailable("reg.example does not answer")

    with pytest.raises(RegistryUnavailable):
        seen(Down(), sha256(b"x"))
