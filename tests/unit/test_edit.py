"""Law 1: a bump changes only the bytes of the values it bumps, or is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.helpers.kustomizations import NULL_WORDS, Item, Sample, digests, samples, tags
from updater.core.edit import EntryEdit, bump, restore
from updater.core.kustomization import entries
from updater.core.scalars import needs_quotes
from updater.errors import EditRefused
from updater.model import Version

OLD = "sha256:" + "0a" * 32
NEW = "sha256:" + "1b" * 32
NAME = "images:\n- name: a\n"


def bumped(text: str, tag: str | None, digest: str | None = None, *, index: int = 0, list_: str = "images") -> str:
    return bump("k.yaml", text.encode(), [EntryEdit(list_, index, Version(tag, digest))]).decode()


def restored(text: str, tag: str | None, digest: str | None = None, *, index: int = 0) -> str:
    return restore("k.yaml", text.encode(), [EntryEdit("images", index, Version(tag, digest))]).decode()


def refusal(text: str, tag: str | None = "v9", digest: str | None = None) -> EditRefused:
    with pytest.raises(EditRefused) as refused:
        bumped(text, tag, digest)
    return refused.value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1", "v9"),
        ("v1 # a comment", "v9 # a comment"),
        ("v1\t", "v9\t"),
        ("v1  ", "v9  "),
        ("0574186", "v9"),
        ("5.6", "v9"),
        ('"v1"', '"v9"'),
        ("'v1'", "'v9'"),
        ('"${{ github.sha }}" # c', '"v9" # c'),
        ("'it''s'", "'v9'"),
        ('"a\\u0062"', '"v9"'),
        ("&v 18.0", "&v v9"),
        ("&v   '18.0'", "&v   'v9'"),
        ("!!str 1.10", "!!str v9"),
        ('!!str &v "1.10"', '!!str &v "v9"'),
        ("!<tag:yaml.org,2002:str> x", "!<tag:yaml.org,2002:str> v9"),
        ("~ # c", "v9 # c"),
        ("null", "v9"),
        ("''", "'v9'"),
        ('""', '"v9"'),
        ("# nothing yet", "v9 # nothing yet"),
        ("&v # nothing yet", "&v v9 # nothing yet"),
    ],
)
def test_only_the_bytes_of_the_value_change(old: str, new: str) -> None:
    text = f"# 한국어\nresources: [a,   b]\n\n\n{NAME}  newTag: {{}}\n\n  # end\nnamespace:   x\n"
    assert bumped(text.format(old), "v9") == text.format(new)


def test_a_value_that_was_left_out_is_filled_in_behind_its_colon() -> None:
    assert bumped(f"{NAME}  newTag:\n  foo: b\n", "v9") == f"{NAME}  newTag: v9\n  foo: b\n"
    assert bumped(f"{NAME}  newTag:", "v9") == f"{NAME}  newTag: v9"
    assert bumped(f"{NAME}  newTag: |", "v9") == f"{NAME}  newTag: v9"
    assert bumped("images: [{name: a, newTag: , b: c}]", "v9") == "images: [{name: a, newTag: v9 , b: c}]"


@pytest.mark.parametrize("tag", ["1.10", "706798e8", "20260214", "1e10", "on", "null", "0x1f", "2026-01-02"])
@pytest.mark.parametrize("form", [f"{NAME}  newTag: {{}} # c\n", "images: [{{name: a, newTag: {}}}]\n"])
def test_a_plain_tag_gets_quotes_where_yaml_would_not_read_a_text(form: str, tag: str) -> None:
    assert bumped(form.format("v1"), tag) == form.format(f'"{tag}"')
    assert bumped(form.format("'v1'"), tag) == form.format(f"'{tag}'")


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "\ufeff{}",
        "---\n{}...\n",
        "# first\n--- # second\n{}",
        "%YAML 1.1\n---\n{}",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
def test_marks_line_ends_and_a_missing_last_one_stay(frame: str, newline: str, *, final: bool) -> None:
    def whole(tag: str) -> str:
        text = frame.format(f"# é 😀\nimages:\n- name: a\n  newTag: {tag}\n").replace("\n", newline)
        return text if final else text.removesuffix(newline)

    assert bumped(whole("v1"), "v9") == whole("v9")


def test_mixed_line_ends_stay_and_a_new_line_ends_like_its_sibling() -> None:
    text = "images:\n- name: a\r\n- name: b\n- name: c"
    assert bumped(text, "v9") == "images:\n- name: a\r\n  newTag: v9\r\n- name: b\n- name: c"
    assert bumped(text, "v9", index=1) == "images:\n- name: a\r\n- name: b\n  newTag: v9\n- name: c"
    assert bumped(text, "v9", index=2) == f"{text}\n  newTag: v9"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- name: a\n", "- name: a\n  newTag: v9\n  digest: NEW\n"),
        ("- name: a", "- name: a\n  newTag: v9\n  digest: NEW"),
        ("  -   name: a # c\n\n  # d\n", "  -   name: a # c\n      newTag: v9\n      digest: NEW\n\n  # d\n"),
        ("-\n    name: a\n    newName: b\n", "-\n    name: a\n    newName: b\n    newTag: v9\n    digest: NEW\n"),
        ("- newName: b\n  name: a\n", "- newName: b\n  newTag: v9\n  digest: NEW\n  name: a\n"),
        ("- name: a\n  newTag: v1 # c\n  x: y\n", "- name: a\n  newTag: v9 # c\n  digest: NEW\n  x: y\n"),
        ("- newTag: 'v1'\n  name: a\n", "- newTag: 'v9'\n  digest: 'NEW'\n  name: a\n"),
        ("- name: \"a\"\n", '- name: "a"\n  newTag: "v9"\n  digest: "NEW"\n'),
        ('- "name": a\n  "newTag": v1\n', '- "name": a\n  "newTag": v9\n  "digest": NEW\n'),
        ("- 'name': a\n", "- 'name': a\n  'newTag': v9\n  'digest': NEW\n"),
        ("- name: a\n  digest: OLD\n", "- name: a\n  newTag: v9\n  digest: NEW\n"),
        ("- name: a\n  newTag:\n", "- name: a\n  digest: NEW\n  newTag: v9\n"),
        ("- name: a\n    b\n  x: y\n", "- name: a\n    b\n  newTag: v9\n  digest: NEW\n  x: y\n"),
        ("- &e name: &n a\n", "- &e name: &n a\n  newTag: v9\n  digest: NEW\n"),
        ("- {name: a}\n", '- {name: a, newTag: v9, digest: "NEW"}\n'),
        ("- { name: a,      newTag: v1 }\n", '- { name: a,      newTag: v9, digest: "NEW" }\n'),
        ("- {newTag: v1, name: a,}\n", '- {newTag: v9, digest: "NEW", name: a,}\n'),
        ("- {name: a, newTag: }\n", '- {name: a, digest: "NEW", newTag: v9 }\n'),
        ("- {name: a,\n   newTag: v1}\n", '- {name: a,\n   newTag: v9,\n   digest: "NEW"}\n'),
        ("- {\n   name: a # c\n  }\n", '- {\n   name: a, # c\n   newTag: v9,\n   digest: "NEW"\n  }\n'),
        ("- {\n   name: a, # c\n   x: y}\n", '- {\n   name: a, # c\n   newTag: v9,\n   digest: "NEW",\n   x: y}\n'),
        ("- {\n   newTag: v1 , # c\n   name: a }\n", '- {\n   newTag: v9 , # c\n   digest: "NEW",\n   name: a }\n'),
    ],
)  # fmt: skip
def test_a_missing_key_is_added_in_the_style_of_its_siblings(before: str, after: str) -> None:
    head, tail = "images:\n", "- {name: z}" if before.endswith("\n") else ""
    tail = "" if before.startswith("  ") else tail
    text = head + before.replace("OLD", OLD) + tail
    assert bumped(text, "v9", NEW) == head + after.replace("NEW", NEW) + tail


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
def test_a_missing_tag_is_one_more_line_with_the_same_end(newline: str, *, final: bool) -> None:
    before, after = (
        (text if final else text.removesuffix("\n")).replace("\n", newline)
        for text in ("images:\n  - name: a\n", "images:\n  - name: a\n    newTag: v9\n")
    )
    assert bumped(before, "v9") == after


@pytest.mark.parametrize(
    ("indent", "separators"),
    [(None, (",", ":")), (None, (", ", ": ")), (2, (",", ": ")), (2, (",", ":")), ("\t", (",", ": "))],
)
@pytest.mark.parametrize("fields", [{}, {"newTag": "v1"}, {"digest": OLD}, {"newTag": "v1", "digest": OLD}])
def test_json_stays_json_in_its_layout(
    indent: int | str | None, separators: tuple[str, str], fields: dict[str, str]
) -> None:
    def layout(**entry: str) -> str:
        return json.dumps({"images": [{"name": "a"} | entry, {"name": "b"}]}, indent=indent, separators=separators)

    assert bumped(layout(**fields), "1.10", NEW) == layout(newTag="1.10", digest=NEW)


@pytest.mark.parametrize("value", ["null", "5", "1.10", "true"])
def test_a_json_value_without_quotes_gets_them(value: str) -> None:
    assert bumped(f'{{"images":[{{"name":"a","newTag":{value}}}]}}', "v9") == '{"images":[{"name":"a","newTag":"v9"}]}'


@pytest.mark.parametrize(
    ("before", "tag", "digest", "after"),
    [
        ("acme/b:v1", "v9", None, "acme/b:v9"),
        ("'localhost:5000/b:v1' # c", "v9", None, "'localhost:5000/b:v9' # c"),
        ("acme/b:v1", "v9", NEW, f"acme/b:v9@{NEW}"),
        ("acme/b:v1", None, NEW, f"acme/b:v1@{NEW}"),
        (f'"acme/b:v1@{OLD}"', "v9", NEW, f'"acme/b:v9@{NEW}"'),
        (f"acme/b@{OLD}", "v9", NEW, f"acme/b:v9@{NEW}"),
        (f"acme/b@{OLD}", None, NEW, f"acme/b@{NEW}"),
        ("acme/b:v1\n  newTag:", "v9", None, "acme/b:v9\n  newTag:"),
        (f"acme/b:v1\n  digest: {OLD}", "v9", NEW, f"acme/b:v9\n  digest: {NEW}"),
        ("acme/b:v1\n  newTag: v2", "v9", None, "acme/b:v1\n  newTag: v9"),
        ("12:30", "40", None, '"12:40"'),
        ("localhost:5000/b", "v9", None, "localhost:5000/b\n  newTag: v9"),
    ],
)
def test_a_version_inside_the_new_name_is_changed_there(
    before: str, tag: str | None, digest: str | None, after: str
) -> None:
    assert bumped(f"{NAME}  newName: {before}\n", tag, digest) == f"{NAME}  newName: {after}\n"


def test_a_tag_in_the_name_stays_and_the_new_one_goes_to_its_own_key() -> None:
    assert bumped("images:\n- name: a:v0\n  newTag: v1\n", "v9") == "images:\n- name: a:v0\n  newTag: v9\n"


def test_several_entries_change_in_one_go_in_both_lists() -> None:
    text = "images:\n- name: a\n  newTag: 1.8.0\n- name: b\n- name: a\nimageTags:\n- name: a\n  newTag: 1.8.0"
    edits = [
        EntryEdit(list_, index, Version("1.27")) for list_, index in (("imageTags", 0), ("images", 2), ("images", 0))
    ]
    assert bump("k.yaml", text.encode(), edits).decode() == (
        'images:\n- name: a\n  newTag: "1.27"\n- name: b\n- name: a\n  newTag: "1.27"\n'
        'imageTags:\n- name: a\n  newTag: "1.27"'
    )


def test_aliases_that_have_nothing_to_do_with_the_value_do_not_stop_it() -> None:
    text = "x: &x {y: z}\nimages:\n- name: &n a\n  newTag: &unused v1\n  y: *n\n- *x\nz: [*n, *x]\n"
    assert bumped(text, "v9") == text.replace("v1", "v9")


def test_a_digest_can_be_changed_alone() -> None:
    text = f"{NAME}  newTag: v1\n  digest: {OLD} # c\n"
    assert bumped(text, None, NEW) == text.replace(OLD, NEW)


@pytest.mark.parametrize(
    ("text", "tag", "digest"),
    [
        (f"{NAME}  newTag: 1.10\n", "1.10", None),
        (f"{NAME}  newTag: v1\n  digest: {OLD}\n", "v1", None),
        (f"{NAME}  newTag: v1\n  digest: {OLD}\n", None, OLD),
        (f"{NAME}  newTag: v1\n  digest: {OLD}\n", None, None),
        (f"{NAME}  newName: b:v1@{OLD}\n", "v1", OLD),
        (f"x: &v v1\n{NAME}  newTag: *v\n", "v1", None),
        (f"{NAME}  <<: {{newTag: v1}}\n", "v1", None),
    ],
)
def test_what_stands_already_changes_nothing(text: str, tag: str | None, digest: str | None) -> None:
    assert bumped(text, tag, digest) == text


def test_no_edits_change_nothing() -> None:
    assert bump("k.yaml", b"images: []", []) == b"images: []"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{NAME}  digest: {OLD}\n", 2, "kustomize would run that under the new tag"),
        (f"{NAME}  newTag: v1\n  digest: {OLD}\n", 2, "kustomize would run that under the new tag"),
        (f"{NAME}  newName: b:v1@{OLD}\n", 2, "kustomize would run that under the new tag"),
        (f"x: &v v1\n{NAME}  newTag: *v\n", 4, "the value of newTag is an alias (*v)"),
        (f"{NAME}  newTag: &v v1\nx: *v\n", 3, "the value of newTag has an anchor (&v)"),
        (f"{NAME}  newName: &v b:v1\nx: *v\n", 3, "the value of newName has an anchor (&v)"),
        ("x: &e {name: a}\nimages:\n- *e\n", 3, "the entry is an alias (*e)"),
        ("images:\n- &e\n  name: a\n- *e\n", 2, "the entry has an anchor (&e)"),
        ("x: &l [{name: a}]\nimages: *l\n", 2, "the list images is an alias (*l)"),
        ("images: &l [{name: a}]\nimageTags: *l\n", 1, "the list images has an anchor (&l)"),
        (f"x: &m {{newTag: v1}}\n{NAME}  <<: *m\n", 4, "the entry has a merge key"),
        (f"{NAME}  <<: {{foo: b}}\n  newTag: v1\n", 3, "the entry has a merge key"),
        ("x: y\n<<: {images: [{name: a}]}\n", 1, "images comes from a merge key"),
        (f"{NAME}  newTag: |-\n    v1\n", 3, "the value of newTag is written over several lines"),
        (f"{NAME}  newTag: >-\n    v1\n", 3, "the value of newTag is written over several lines"),
        (f"{NAME}  newTag: v1\n    v2\n", 3, "the value of newTag is written over several lines"),
        (f'{NAME}  newTag: "v1\\\n    v2"\n', 3, "the value of newTag is written over several lines"),
        (f"{NAME}  newTag: &v\n    v1\n", 3, "the value of newTag is written over several lines"),
        ("images:\n- name: |-\n    a\n", 2, "the value of name is written over several lines"),
        (f"{NAME}  newTag: !!float 1.10\n", 3, "the value of newTag has a YAML tag of its own"),
        (f"{NAME}  newTag: !v v1\n", 3, "the value of newTag has a YAML tag of its own"),
        (f"{NAME}  newTag: ! v1\n", 3, "the value of newTag has a YAML tag of its own"),
        ("images: [{name: a, newTag}]\n", 1, "the key newTag has no place for a value"),
        ("images: [name: a]\n", 1, "without braces"),
        ("images:\n- ? name\n  : a\n", 2, "would change more than the planned values"),
        (f"{NAME}---\nb: c\n", 4, "several documents"),
        (f"{NAME}  name: b\n", 3, "second time"),
        (f"{NAME}- name: @x\n", 3, "not readable as YAML"),
        ("# c\nimages: {name: a}\n", 2, "images is not a list"),
        ("images:\n- newTag: v1\n", None, "no entry images[0] with a name"),
        ("images: []\n", None, "no entry images[0] with a name"),
        ("images: [~]\n", None, "no entry images[0] with a name"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused_with_its_line(text: str, line: int | None, words: str) -> None:
    error = refusal(text)
    assert words in error.message
    assert error.at is not None
    assert (error.at.path, error.at.line) == ("k.yaml", line)


def test_a_refusal_says_what_to_do() -> None:
    assert refusal(f"{NAME}  digest: {OLD}\n").hint == "give the digest of the new tag, too"
    assert refusal(f"x: &v v1\n{NAME}  newTag: *v\n").hint == "write the values out in this entry"


def test_a_negative_index_is_no_entry() -> None:
    with pytest.raises(EditRefused, match=r"no entry images\[-1\]"):
        bumped(NAME, "v9", index=-1)


@pytest.mark.parametrize("tag", ["", "v1\nfoo: bar", "v1 # x", "-v1", "v" * 129, '"', "v1: x", "${x}", "é"])
def test_a_text_that_is_no_tag_never_reaches_a_file(tag: str) -> None:
    assert "is not a tag" in refusal(f"{NAME}  newTag: v1\n", tag).message


@pytest.mark.parametrize("digest", ["", "sha256:", OLD[:-1], OLD + "\n", OLD.upper(), "sha512:" + "0" * 128])
def test_a_text_that_is_no_digest_never_reaches_a_file(digest: str) -> None:
    assert "is not a digest" in refusal(f"{NAME}  newTag: v1\n", None, digest).message


@pytest.mark.parametrize("second", ["v9", "v8"])
def test_an_entry_that_is_named_twice_is_refused_rather_than_garbled(second: str) -> None:
    edits = [EntryEdit("images", 0, Version(tag)) for tag in ("v9", second)]
    with pytest.raises(EditRefused, match="more than the planned values"):
        bump("k.yaml", f"{NAME}  newTag: v1\n".encode(), edits)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- name: a\n  newTag: v9\n  digest: NEW\n", "- name: a\n  newTag: v1\n"),
        ("- name: a\n  newTag: v9\n  digest: NEW # c\n  # d\n  x: y\n", "- name: a\n  newTag: v1\n  # d\n  x: y\n"),
        ("- name: a\n  # d\n  digest: 'NEW' # c\n\n  newTag: 'v9'\n", "- name: a\n  # d\n\n  newTag: 'v1'\n"),
        ("- name: a\n  newTag: v1\n  digest:\n    NEW # c\n", "- name: a\n  newTag: v1\n"),
        ("- name: a\n  newTag: v1\n  digest: |-\n    NEW\n\n", "- name: a\n  newTag: v1\n\n"),
        ("-\n  digest: NEW\n  name: a\n  newTag: v9\n", "-\n  name: a\n  newTag: v1\n"),
        ("-  digest: NEW # c\n   name: a\n   newTag: v9\n", "-  name: a\n   newTag: v1\n"),
        ("- name: a\n  digest: NEW\n", "- name: a\n  newTag: v1\n"),
        ("- name: a\n  newTag: v9\n  digest: &d NEW\n", "- name: a\n  newTag: v1\n"),
        ("- name: a\n  newTag: v9\n  digest: ~\n", "- name: a\n  newTag: v1\n  digest: ~\n"),
        ('- {name: a, newTag: v9, digest: "NEW"}\n', "- {name: a, newTag: v1}\n"),
        ('- { digest: "NEW", name: a, newTag: v9 }\n', "- { name: a, newTag: v1 }\n"),
        ('- {name: a, digest: "NEW" , newTag: v9}\n', "- {name: a , newTag: v1}\n"),
        ('- {name: a, newTag: v9, digest: "NEW",}\n', "- {name: a, newTag: v1,}\n"),
        ('- {"name":"a","digest":"NEW","newTag":"v9"}\n', '- {"name":"a","newTag":"v1"}\n'),
        ('- {name: a,\n   newTag: v9,\n   digest: "NEW"}\n', "- {name: a,\n   newTag: v1}\n"),
        ('- {\n   name: a,\n   newTag: v9, #\n   digest: "NEW" # d\n }\n', "- {\n   name: a,\n   newTag: v1 #\n }\n"),
        ('- {\n   name: a,\n   digest: "NEW", # d\n   newTag: v9\n  }\n', "- {\n   name: a,\n   newTag: v1\n  }\n"),
        ("- name: a\n  newName: b:v9@NEW # c\n", "- name: a\n  newName: b:v1 # c\n"),
        ("- name: a\n  newName: b@NEW\n", "- name: a\n  newName: b:v1\n"),
        ("- name: a\n  newName: b:v9\n  digest: NEW\n", "- name: a\n  newName: b:v1\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["- name: z\n", ""])
def test_going_back_to_a_version_without_digest_takes_the_digest_out(
    before: str, after: str, newline: str, tail: str
) -> None:
    old, new = (f"images:\n{text}{tail}".replace("NEW", NEW).replace("\n", newline) for text in (before, after))
    assert restored(old, "v1") == new
    assert restored(new, "v1") == new


def test_the_last_line_of_a_file_goes_with_the_line_end_before_it() -> None:
    assert restored(f"{NAME}  newTag: v9\n  digest: {NEW}", "v1") == f"{NAME}  newTag: v1"
    assert restored(f"{NAME}  newTag: v1\r\n  digest: {NEW}", "v1") == f"{NAME}  newTag: v1"


@pytest.mark.parametrize(
    ("before", "tag", "digest", "after"),
    [
        (f"  newTag: v9\n  digest: {NEW}\n", None, OLD, f"  digest: {OLD}\n"),
        ("  newTag: v9 # c\n", None, None, ""),
        (f"  newTag: v9\n  x: y\n  digest: {NEW}\n", None, None, "  x: y\n"),
        (f"  newName: b:v9@{NEW}\n", None, OLD, f"  newName: b@{OLD}\n"),
        (f"  newName: b:v9@{NEW}\n", None, None, "  newName: b\n"),
        ("  newTag: v9\n", None, OLD, f"  digest: {OLD}\n"),
        ("  newTag: v9", None, OLD, f"  digest: {OLD}"),
        (f"  digest: {NEW}", "v1", None, "  newTag: v1"),
        ("  newTag: v9\n", "v1", OLD, f"  newTag: v1\n  digest: {OLD}\n"),
    ],
)
def test_an_entry_goes_back_to_exactly_what_it_held(
    before: str, tag: str | None, digest: str | None, after: str
) -> None:
    assert restored(NAME + before, tag, digest) == NAME + after


def test_several_entries_go_back_in_one_go() -> None:
    entry = f"- name: a\n  digest: {NEW} # c\n  newTag: v9\n"
    edits = [EntryEdit("images", index, Version("v1")) for index in (0, 2)]
    after = restore("k.yaml", f"images:\n{entry}- name: b\n{entry}".encode(), edits).decode()
    assert after == "images:\n- name: a\n  newTag: v1\n- name: b\n- name: a\n  newTag: v1\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"x: &d {NEW}\n{NAME}  newTag: v9\n  digest: *d\n", 5, "the value of digest is an alias (*d)"),
        (f"{NAME}  newTag: v9\n  digest: &d {NEW}\nx: *d\n", 4, "the value of digest has an anchor (&d)"),
        (f"x: &m {{digest: {NEW!r}}}\n{NAME}  newTag: v1\n  <<: *m\n", 5, "the entry has a merge key"),
        (f"{NAME}  newTag: v9\n  &k digest: {NEW}\nx: *k\n", 2, "would change more than the planned values"),
        (f"images:\n- digest: {NEW}\n  # of the name\n  name: a\n", 2, "digest cannot be taken out of its line alone"),
        (f"{NAME}  newTag: v1\n  ? digest\n  : {NEW}\n", 4, "digest cannot be taken out of its line alone"),
        (f"{NAME}  newName: b@{OLD}\n  digest: {NEW}\n", 2, "newName names a version, too"),
        (f"{NAME}---\nb: c\n", 4, "several documents"),
    ],
)
def test_what_cannot_go_alone_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(EditRefused) as refused:
        restored(text, "v1")
    assert words in refused.value.message
    assert refused.value.at is not None
    assert (refused.value.at.path, refused.value.at.line) == ("k.yaml", line)


def test_a_tag_in_the_new_name_that_would_count_again_is_refused() -> None:
    with pytest.raises(EditRefused, match="newName names a version, too") as refused:
        restored(f"{NAME}  newName: b:v1\n  newTag: v9\n", None)
    assert refused.value.hint == "take the version out of newName"


@pytest.mark.parametrize(
    ("tag", "digest", "words"), [("v1\nx: y", None, "not a tag"), ("v1", "sha256:", "not a digest")]
)
def test_going_back_writes_nothing_that_is_no_version(tag: str, digest: str | None, words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        restored(f"{NAME}  newTag: v9\n", tag, digest)


def test_what_stands_is_no_reason_to_refuse_whatever_it_is() -> None:
    text = f"{NAME}  newTag: ${{TAG}}\n"
    assert restored(text, "${TAG}") == text
    assert bumped(text, None, NEW) == f"{text}  digest: {NEW}\n"


def difference(before: bytes, after: bytes) -> tuple[bytes, bytes]:
    """What is left of both without their common beginning and end."""
    start = next(
        (place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return before[start : len(before) - end], after[start : len(after) - end]


def standing(content: bytes) -> list[Version]:
    return [entry.version for entry in entries("k.yaml", content)]


picked = st.integers(0, 3)


@given(samples(), picked, tags, digests)
@settings(max_examples=40, deadline=None)
def test_a_bump_sets_its_entry_and_no_other(sample: Sample, pick: int, tag: str, digest: str) -> None:
    index = pick % len(sample.items)
    after = bump("k.yaml", sample.content, [EntryEdit("images", index, Version(tag, digest))])
    expected = [item.version for item in sample.items]
    expected[index] = Version(tag, digest)
    assert standing(after) == expected


@given(samples(), tags)
@settings(max_examples=40, deadline=None)
def test_a_tag_that_replaces_a_tag_changes_no_byte_outside_it(sample: Sample, tag: str) -> None:
    for index, item in enumerate(sample.items):
        if item.text("newTag") is not None and item.text("digest") is None:
            after = bump("k.yaml", sample.content, [EntryEdit("images", index, Version(tag))])
            removed, added = difference(sample.content, after)
            assert removed in f'"{item.text("newTag")}"'.encode()
            assert added in f'"{tag}"'.encode()


@given(samples(), digests)
@settings(max_examples=40, deadline=None)
def test_a_key_that_is_added_moves_no_other_byte(sample: Sample, digest: str) -> None:
    for index, item in enumerate(sample.items):
        if item.text("digest") is None:
            after = bump("k.yaml", sample.content, [EntryEdit("images", index, Version(None, digest))])
            rest = iter(after)
            assert all(byte in rest for byte in sample.content)
            assert len(after) - len(sample.content) <= len("\r\n            'digest': '',") + len(digest)
            assert after.count(b"\n") - sample.content.count(b"\n") in (0, 1)


@given(samples())
@settings(max_examples=30, deadline=None)
def test_the_same_versions_again_change_nothing(sample: Sample) -> None:
    edits = [EntryEdit("images", index, item.version) for index, item in enumerate(sample.items)]
    assert bump("k.yaml", sample.content, edits) == sample.content


def comes_back(item: Item) -> bool:
    return item.text("newTag") is not None and (bool(item.quote) or not needs_quotes(item.text("newTag") or ""))


@given(samples(), tags.filter(lambda tag: tag not in NULL_WORDS and not needs_quotes(tag)), digests)
@settings(max_examples=40, deadline=None)
def test_there_and_back_restores_the_bytes(sample: Sample, tag: str, digest: str) -> None:
    there, back = [], []
    for index, item in enumerate(sample.items):
        if comes_back(item):
            there.append(EntryEdit("images", index, Version(tag, digest if item.text("digest") else None)))
            back.append(EntryEdit("images", index, item.version))
    assert bump("k.yaml", bump("k.yaml", sample.content, there), back) == sample.content


@given(samples(), digests)
@settings(max_examples=60, deadline=None)
def test_a_digest_that_was_added_leaves_no_trace_when_it_is_taken_back(sample: Sample, digest: str) -> None:
    edits, back = [], []
    for index, item in enumerate(sample.items):
        if item.text("digest") is None:
            edits.append(EntryEdit("images", index, Version(None, digest)))
            back.append(EntryEdit("images", index, item.version))
    assert restore("k.yaml", bump("k.yaml", sample.content, edits), back) == sample.content


@given(samples(), picked, st.none() | tags, st.none() | digests)
@settings(max_examples=60, deadline=None)
def test_going_back_sets_its_entry_exactly_and_no_other(
    sample: Sample, pick: int, tag: str | None, digest: str | None
) -> None:
    index = pick % len(sample.items)
    try:
        after = restore("k.yaml", sample.content, [EntryEdit("images", index, Version(tag, digest))])
    except EditRefused:
        reject()  # the first key of its entry above a comment, say
    expected = [item.version for item in sample.items]
    expected[index] = Version(tag, digest)
    assert standing(after) == expected
