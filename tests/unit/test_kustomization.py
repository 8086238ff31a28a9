"""Reading kustomizations: entries, and the fast scan for the images they mention."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.kustomizations import Sample, samples
from updater.core import kustomization
from updater.core.kustomization import entries, mentioned_images
from updater.errors import EditRefused
from updater.model import Version

DIGEST = "sha256:" + "0a" * 32


def read(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return [
        (entry.name, entry.image, entry.version.tag, entry.version.digest) for entry in entries("k.yaml", text.encode())
    ]


def one(fields: str) -> tuple[str, str | None, str | None, str | None]:
    (found,) = read(f"images:\n- {fields}\n")
    return found


def test_kustomize_looks_for_its_files_in_this_order() -> None:
    assert kustomization.FILE_NAMES == ("kustomization.yaml", "kustomization.yml", "Kustomization")


def test_an_entry_has_its_list_index_and_the_line_of_its_first_key() -> None:
    text = "imageTags:\n- name: old\nimages:\n# c\n- name: nginx\n\n-\n  &e\n  newTag: v1\n  name: &n acme/app\n"
    found = entries("overlays/k.yaml", text.encode())
    assert [(entry.list, entry.index, entry.name, entry.line) for entry in found] == [
        ("images", 0, "nginx", 5),
        ("images", 1, "acme/app", 9),
        ("imageTags", 0, "old", 2),
    ]
    assert {entry.path for entry in found} == {"overlays/k.yaml"}


@pytest.mark.parametrize(
    ("fields", "image"),
    [
        ("name: nginx", "docker.io/library/nginx"),
        ("name: acme/app", "docker.io/acme/app"),
        ("name: GHCR.io/acme/app", "ghcr.io/acme/app"),
        ("name: ghcr.io/acme/app:v0.9", "ghcr.io/acme/app"),
        ("name: localhost:5000/app", "localhost:5000/app"),
        ("name: a\n  newName: ghcr.io/b/c", "ghcr.io/b/c"),
        ("name: a\n  newName: ghcr.io/b/c:v1", "ghcr.io/b/c"),
        (f"name: a\n  newName: ghcr.io/b/c@{DIGEST}", "ghcr.io/b/c"),
        ("name: a\n  newName: ghcr.io/b/c:${TAG}", "ghcr.io/b/c"),
        ("name: a\n  newName:", "docker.io/library/a"),
        ("name: a\n  newName: ''", "docker.io/library/a"),
        ("name: ghcr.io/<owner>/app", None),
        ("name: ${IMAGE}", None),
        ("newName: ghcr.io/b/c", None),
        ("name: ~\n  newName: ghcr.io/b/c", None),
    ],
)
def test_an_entry_follows_its_new_name_else_its_name(fields: str, image: str | None) -> None:
    assert one(fields)[1] == image


@pytest.mark.parametrize(
    ("fields", "tag", "digest"),
    [
        ("", None, None),
        ("newTag: v1", "v1", None),
        ("newTag: 0574186", "0574186", None),
        ("newTag: 1.10", "1.10", None),
        ("newTag: on", "on", None),
        ("newTag: '1.10'", "1.10", None),
        ("newTag: !!str 007", "007", None),
        ("newTag: !!str null", "null", None),
        ("newTag: &v 18.0", "18.0", None),
        ('newTag: "${{ github.sha }}"', "${{ github.sha }}", None),
        *((f"newTag:{null}", None, None) for null in ("", " ~", " null", " Null", " NULL", " ''", ' ""')),
        ("newTag: 'null'", "null", None),
        ("newTag: '~'", "~", None),
        (f"digest: {DIGEST}", None, DIGEST),
        (f"newTag: v1\n  digest: '{DIGEST}'", "v1", DIGEST),
        ("digest: sha256:TODO", None, "sha256:TODO"),
        ("newName: acme/b:v1", "v1", None),
        (f"newName: acme/b:v1@{DIGEST}", "v1", DIGEST),
        (f"newName: acme/b@{DIGEST}", None, DIGEST),
        (f"newName: acme/b:v1\n  digest: {DIGEST}", "v1", DIGEST),
        ("newName: acme/b:v1\n  newTag: v2", "v2", None),
        ("newName: acme/b:v1\n  newTag:", "v1", None),
        ("newName: localhost:5000/b", None, None),
        ("newName: 'acme/b:'", None, None),
    ],
)
def test_a_version_is_read_as_it_is_written(fields: str, tag: str | None, digest: str | None) -> None:
    assert one(f"name: a\n  {fields}")[2:] == (tag, digest)


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "---\n", "~\n", "resources: []\n", "images:\n", "images: []\n", "images: ~\n", "images: [~]\n"],
)
def test_a_file_without_entries_has_none(text: str) -> None:
    assert read(text) == []


def test_an_entry_that_names_no_image_does_not_hide_its_neighbours() -> None:
    odd = "images:\n- name: <a>\n- ~\n- {}\n- name: b\n  foo: [1]\n- newTag: v1\n"
    text = f"{odd}- name: c\n  newTag: !x |-\n    v2\n  digest: {DIGEST}\n"
    assert read(text) == [
        ("<a>", None, None, None),
        ("b", "docker.io/library/b", None, None),
        ("", None, "v1", None),
        ("c", "docker.io/library/c", "v2", DIGEST),
    ]


def test_entries_of_one_name_and_image_are_counted_and_others_are_not() -> None:
    text = (
        "images:\n- name: a\n- name: b\n- {name: a, newTag: v1}\n- {name: c, newName: b}\n- {name: a, newName: z}\n"
        "- {newTag: x}\n- {newTag: y}\n- name: docker.io/library/a\nimageTags:\n- name: a\n- name: b\n"
    )
    found = entries("k.yaml", text.encode())
    assert [(entry.list, entry.index, entry.repeat) for entry in found] == [
        ("images", 0, 0),
        ("images", 1, 0),
        ("images", 2, 1),
        ("images", 3, 0),
        ("images", 4, 0),
        ("images", 5, 0),
        ("images", 6, 1),
        ("images", 7, 0),
        ("imageTags", 0, 2),
        ("imageTags", 1, 1),
    ]


@given(st.lists(st.sampled_from(["{name: a}", "{name: b}", "{name: a, newName: b}", "{newTag: v1}", "~"]), max_size=8))
def test_no_two_entries_of_a_file_are_known_by_the_same(items: list[str]) -> None:
    found = entries("k.yaml", "".join(["images:\n", *(f"- {item}\n" for item in items)]).encode())
    known = [(entry.name, entry.image, entry.repeat) for entry in found]
    assert len(set(known)) == len(known)
    assert len(found) == len(items) - items.count("~")


@pytest.mark.parametrize(
    "text",
    [
        "x: &v v1\nimages:\n- name: a\n  newTag: *v\n",
        "x: &e {name: a, newTag: v1}\nimages: [*e]\n",
        "x: &l [{name: a, newTag: v1}]\nimages: *l\n",
        "x: &m {newTag: v1, name: z}\nimages:\n- name: a\n  <<: *m\n",
        "images:\n- name: a\n  <<: [{newTag: v1}, {newTag: v2}]\n",
        "images:\n- name: a\n  <<: {<<: {newTag: v1}}\n",
        "x: &m {images: [{name: a, newTag: v1}]}\n<<: *m\n",
    ],
)
def test_values_behind_aliases_and_merge_keys_are_read(text: str) -> None:
    assert read(text) == [("a", "docker.io/library/a", "v1", None)]


def test_merges_of_merges_cost_no_more_than_their_text() -> None:
    chain = "".join(f"k{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 60))
    assert read(f"k0: &m0 {{newTag: v1}}\n{chain}images:\n- name: a\n  <<: *m59\n") == [
        ("a", "docker.io/library/a", "v1", None)
    ]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"images: []\n# \xff\n", 2, "not UTF-8"),
        ("images: []\n".encode("utf-16"), 1, "not UTF-8"),
        (b"images:\n- name: @x\n", 2, "not readable as YAML: found character"),
        (b"images: []\nimages: []\n", 2, "second time"),
        (b"images:\n- name: a\n  name: b\n", 3, "second time"),
        (b"a: b\n---\nimages: []\n", 3, "several documents"),
        (b"a: b\nc: *d\n", 2, "no anchor"),
        (b"# c\n- a\n", 2, "the file is not a mapping"),
        (b"images:\n  a: b\n", 2, "images is not a list"),
        (b"imageTags: x\n", 1, "imageTags is not a list"),
        (b"images:\n- name: a\n- nginx\n", 3, "not a mapping"),
        (b"images:\n- name: a\n- [b]\n", 3, "not a mapping"),
        (b"images:\n- name: a\n  newTag: [v1]\n", 3, "the value of newTag is not a text"),
        (b"images:\n- name: {{ image }}\n", 2, "not a plain word"),
        (b"images:\n- name: a\n  newtag: v1\n", 3, "kustomize reads the key newtag as newTag"),
        ("image\u017f: []\n".encode(), 1, "kustomize reads the key image\u017f as images"),
        (b"Images:\n- name: a\n", 1, "kustomize reads the key Images as images"),
    ],
)
def test_a_file_that_cannot_be_read_safely_is_refused_with_its_line(content: bytes, line: int, words: str) -> None:
    with pytest.raises(EditRefused) as refused:
        entries("k.yaml", content)
    assert str(refused.value).startswith(f"k.yaml:{line}: ")
    assert words in refused.value.message


@given(samples())
@settings(max_examples=40, deadline=None)
def test_what_is_written_in_any_style_is_what_is_read(sample: Sample) -> None:
    found = entries("k.yaml", sample.content)
    assert [(entry.name, entry.version) for entry in found] == [
        (item.text("name"), item.version) for item in sample.items
    ]


@given(samples())
@settings(max_examples=40, deadline=None)
def test_the_scan_misses_no_image(sample: Sample) -> None:
    followed = {entry.image for entry in entries("k.yaml", sample.content)} - {None}
    assert mentioned_images(sample.content) >= followed


@pytest.mark.parametrize(
    "text",
    [
        "images:\n- name: a/b\n",
        "images:\n- 'name' : a/b\n",
        'images: [{"name":"a/b"}]\n',
        "images: [{name: 'a/b'}]\n",
        "images: [{newTag: x,name: a/b}]\n",
        "images:\n- name:\n    a/b\n",
        "images:\n- name: # comment\n    a/b\n",
        "images:\n- name: >-\n    a/b\n",
        "images:\n- name: |-\n    a/b\n",
        "images:\n- name: &n a/b\n",
        "images:\n- name: !!str a/b\n",
        "x: &n a/b\nimages:\n- name: *n\n",
        "x: &e {name: a/b}\nimages: [*e]\n",
        "x: &e {name: a/b}\nimages:\n- <<: *e\n",
        "x: &l\n- name: a/b\nimages: *l\n",
        'images:\n- "na\\u006de": a/b\n',
        '"im\\u0061ges":\n- name: a/b\n',
        'images:\n- name: "a\\x2fb"\n',
        'images:\n- name: "a\\/b"\n',
        "images:\n- ? name\n  : a/b\n",
        "images:\n- ? name # comment\n  : a/b\n",
        "images:\n- ?\n    name # comment\n  : a/b\n",
        "images:\n- name: a/b:v1\n",
        "images:\n- name: 'a/b:it''s'\n",
        'images:\n- name: "a/b:v1\n    x"\n',
        "images:\n- name: a/b:v1\n    x\n",
        "images:\n- name: a/b@x,y\n",
        "images:\n- name: z\n  newName: a/b\n",
        "imageTags:\n- name: a/b\n",
        "\ufeffimages:\r\n- name: a/b\r\n",
        "images:\n- &k name: a/b\n",
        "images: [{a: z-name:'x, name: a/b, b: 'c'}]\n",
    ],
)
def test_the_scan_sees_a_name_however_it_is_written(text: str) -> None:
    assert {entry.image for entry in entries("k.yaml", text.encode())} == {"docker.io/a/b"}
    assert "docker.io/a/b" in mentioned_images(text.encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"resources:\n- name: a\n",
        b"resources: [image]\nconfigMapGenerator:\n- name: a\n",
        b"images: [{name: *unknown}]\n",
        b"images:\n- name: <a>\n",
        b'images:\n- name: ""\n',
        b'images:\n- newName: "\\u0041"\n',
    ],
)
def test_a_file_that_names_no_image_mentions_none(content: bytes) -> None:
    assert mentioned_images(content) == frozenset()


SNIPPETS = (
    "images",
    ":",
    "\n",
    "- ",
    "  ",
    "name",
    "newName",
    ": ",
    "a/b",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    ", ",
    "#",
    "? ",
    "&x ",
    "*x",
    "\\",
    "x:1",
)


@given(st.lists(st.sampled_from(SNIPPETS), max_size=14).map("".join))
@settings(max_examples=200, deadline=None)
def test_the_scan_of_scraps_of_yaml_misses_no_image(scraps: str) -> None:
    content = f"images:\n- name: {scraps}".encode()
    try:
        followed = {entry.image for entry in entries("k.yaml", content)} - {None}
    except EditRefused:
        followed = set()
    assert mentioned_images(content) >= followed


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        found = entries("k.yaml", content)
    except EditRefused:
        found = ()
    assert mentioned_images(content) >= {entry.image for entry in found if entry.image}
    assert all(entry.version != Version("", "") for entry in found)
