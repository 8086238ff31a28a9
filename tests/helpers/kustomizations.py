"""Kustomizations as people write them, made up by hypothesis: every style that may be met, with what stands in it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import strategies as st

from updater.model import Version

NULL_WORDS = ("null", "Null", "NULL")

tags = st.one_of(
    st.sampled_from(
        ["v1", "1.10", "0574186", "706798e8", "1f6a4c1", "on", "null", "1.2.3-rc.1", "2026-01-02", "_", "latest"]
    ),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
)
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
NAMES = (
    "nginx",
    "acme/app:v0",
    "ghcr.io/acme/model-a",
    "localhost:5000/x/y",
    "Registry.example:443/a/b_c",
    "<owner>/app",
)


@dataclass(frozen=True)
class Item:
    """One entry: its fields in the order they stand, and the quotes of their values ("" for none)."""

    fields: tuple[tuple[str, str], ...]
    quote: str

    def text(self, field: str) -> str | None:
        return dict(self.fields).get(field)

    @property
    def version(self) -> Version:
        return Version(self.text("newTag"), self.text("digest"))


@dataclass(frozen=True)
class Sample:
    """A kustomization with what stands in its `images:`, in order."""

    content: bytes
    items: tuple[Item, ...]


@st.composite
def items(draw: st.DrawFn) -> Item:
    quote = draw(st.sampled_from(["", "'", '"']))
    fields = {"name": draw(st.sampled_from(NAMES))}
    if draw(st.booleans()):
        fields["newName"] = draw(st.sampled_from([name for name in NAMES if name != "acme/app:v0"]))
    if draw(st.booleans()):
        fields["newTag"] = draw(tags.filter(lambda tag: bool(quote) or tag not in NULL_WORDS))
    if draw(st.booleans()):
        fields["digest"] = draw(digests)
    return Item(tuple(draw(st.permutations(sorted(fields.items())))), quote)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """A kustomization in block, flow or JSON style, with whatever comments, indentation and line ends."""
    listed = tuple(draw(st.lists(items(), min_size=1, max_size=4)))
    text = draw(st.sampled_from([_block, _json]))(draw, listed)
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", newline)
    return Sample(text.encode(), listed)


def _block(draw: st.DrawFn, listed: tuple[Item, ...]) -> str:
    indent = " " * draw(st.sampled_from([0, 2, 4]))
    head = draw(st.sampled_from(["", "---\n", "# 한국어 — 😀\nresources:\n- ../../base   # name: x\n\n"]))
    tail = draw(
        st.sampled_from(["", 'commonLabels: {name: "a: \'b"}\n', "patches:\n- patch: |-\n    name: x\n", "...\n"])
    )
    forms = [draw(st.sampled_from([_lines, _braces, _braces_over_lines]))(draw, item, indent) for item in listed]
    text = f"{head}images:\n{''.join(forms)}{tail}"
    return text if draw(st.booleans()) else text.removesuffix("\n")


def _lines(draw: st.DrawFn, item: Item, indent: str) -> str:
    gap = " " * draw(st.sampled_from([1, 3]))
    ends = st.sampled_from(["", "  # comment", "\t", '   # {"$imagepolicy": "a:b:tag"}'])
    between = st.sampled_from(["", "\n", f"{indent}  # between\n"])
    lines = [f"{key}: {item.quote}{value}{item.quote}{draw(ends)}\n{draw(between)}" for key, value in item.fields]
    return f"{indent}-{gap}" + f"{indent} {gap}".join(lines)


def _braces(draw: st.DrawFn, item: Item, indent: str) -> str:
    pad = draw(st.sampled_from(["", " "]))
    return f"{indent}- {{{pad}{', '.join(_flow_pairs(item))}{draw(st.sampled_from(['', ',']))}{pad}}}\n"


def _braces_over_lines(draw: st.DrawFn, item: Item, indent: str) -> str:
    lead = f"\n{indent}    "
    end = draw(st.sampled_from(["", ",", "  # comment", f"\n{indent}  "]))
    close = f"\n{indent}  }}\n" if end.endswith("comment") else f"{end and ' '}}}\n"
    return f"{indent}- {{{lead}{f',{lead}'.join(_flow_pairs(item))}{end}{close}"


def _flow_pairs(item: Item) -> list[str]:
    return [f"{key}: {item.quote}{value}{item.quote}" for key, value in item.fields]


def _json(draw: st.DrawFn, listed: tuple[Item, ...]) -> str:
    content = {"resources": ["../../base"], "images": [dict(item.fields) for item in listed], "namePrefix": "a-"}
    separators = draw(st.sampled_from([None, (",", ":"), (", ", ": ")]))
    return json.dumps(content, indent=draw(st.sampled_from([None, 2, 4])), separators=separators)
