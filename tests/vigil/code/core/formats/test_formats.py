"""YAML, JSON and TOML give one tree, and hostile files one line with a place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.code.core.formats.json_text import read_json_text
from vigil.code.core.formats.toml_text import read_toml
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.core.tree import DEPTH_MOST, DocumentError

YAML = 'version: 1\nmonitors:\n  a:\n    tcp: {host: h.example, port: 1}\n    tags: [x, "no"]\n'
TOML = 'version = 1\n[monitors.a]\ntags = ["x", "no"]\n[monitors.a.tcp]\nhost = "h.example"\nport = 1\n'


def test_the_three_forms_hold_the_same() -> None:
    found = read_yaml(YAML).bare()
    assert read_json_text(json.dumps(found, indent=1)).bare() == found == read_toml(TOML).bare()


def test_every_form_knows_the_line_of_a_key() -> None:
    text = json.dumps(read_yaml(YAML).bare(), indent=1)
    trees = (read_yaml(YAML, "f"), read_json_text(text, "f"), read_toml(TOML, "f"))
    places = [str(tree.value["monitors"].value["a"].value["tcp"].value["port"].place) for tree in trees]
    assert places == ["f:4", "f:7", "f:6"]


def test_yaml_1_2_keeps_words_and_dates_as_text() -> None:
    found = read_yaml("a: no\nb: on\nc: 2026-01-01\nd: 12:30\ne: true\nf: 0o17\ng: 017\nh: 1_000\ni: ~\n").bare()
    assert found == {
        "a": "no", "b": "on", "c": "2026-01-01", "d": "12:30", "e": True, "f": 15, "g": 17, "h": "1_000", "i": None,
    }  # fmt: skip


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
HOSTILE = {
    "billion laughs": (read_yaml, LAUGHS, "values, with its aliases written out"),
    "a value in itself": (read_yaml, "a: &a [*a]\n", "names no anchor that ends before it"),
    "deep yaml": (read_yaml, "[" * 5_000, f"more than {DEPTH_MOST} levels"),
    "deep json": (read_json_text, "[" * 100_000, f"more than {DEPTH_MOST} levels"),
    "deep toml": (read_toml, "a = " + "[" * 100_000, "levels deep"),
    "a key twice": (read_yaml, "a: 1\nb: 2\na: 3\n", ":3: the key 'a' is here twice, first in line 1"),
    "a json key twice": (read_json_text, '{"a": 1,\n"a": 2}', ":2: the key 'a' is here twice"),
    "a long toml key": (read_toml, "a" + ".a" * 100_000 + " = 1\n", ":1: nested more than 32 levels deep"),
    "a toml key twice": (read_toml, "a = 1\na = 2\n", ":2: this is not TOML"),
    "a tag": (read_yaml, "a: !!python/object:os.system x\n", "the tag"),
    "a merge key": (read_yaml, "b: &b {c: 1}\na:\n  <<: *b\n", ":3: merge keys"),
    "infinity": (read_yaml, "a: .inf\n", "are no numbers here"),
    "a huge number": (read_yaml, f"a: {'9' * 5_000}\n", "too large"),
    "a huge json number": (read_json_text, f'{{"a": {"9" * 5_000}}}', "not JSON"),
    "two documents": (read_yaml, "a: 1\n---\nb: 2\n", "one document"),
    "half a character": (read_json_text, '{"a": "\\ud800"}', "half a character"),
    "a zero byte": (read_yaml, 'a: "\\0"\n', "zero byte"),
    "no key of text": (read_yaml, "[a]: 1\n", "a key is one word"),
    "a number as key": (read_yaml, "1.5: a\n", "is no text"),
    "cut off": (read_json_text, '{"a": [1', "not JSON"),
    "rest": (read_json_text, "{} x", "something follows"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name: str) -> None:
    read, text, words = HOSTILE[name]
    with pytest.raises(DocumentError) as refused:
        read(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), _TEXT,
    st.sampled_from(["no", "a: b", "a #b", "- x", "1e3", "0x1f", "2026-01-01", "a\nb\n", "x\n\ny\n"]),
    st.sampled_from(["| x", "*x", "null", "&a", "?", "~", "@"]),
)  # fmt: skip
_TREE = st.recursive(
    _LEAF,
    lambda part: st.one_of(
        st.lists(part, max_size=3), st.dictionaries(_TEXT.filter(lambda key: key not in ("", "<<")), part, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["a", "b-c", "d"]), _TREE, min_size=1))
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    assert read_yaml(to_yaml(document)).bare() == document
