"""Every boundary under hostile messages: what is let through can be applied, stored and sent, the rest is refused.

`.ci/nightly` is the long run. The tests share `POISON_CASES` cases, which `POISON_SEED` varies.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.probers import parse_spec
from tests.poison import members, nightly
from tests.poison.boundaries import BOUNDARIES, PARSERS, message_of
from tests.poison.boundary import Boundary
from tests.poison.finds import CORPUS, Find, find_of, read_find, smallest

#: Cases of all boundaries together.
CASES = int(os.environ.get("POISON_CASES", "100000"))
SEED = int(os.environ.get("POISON_SEED", "12"))
EXAMPLES = 40
WEIGHTS = sum(boundary.weight for boundary in BOUNDARIES.values())


@pytest.mark.parametrize("name", BOUNDARIES)
def test_s01_s02_s04_s06_s15_s26_a_hostile_message_is_read_in_bounds_or_refused(name: str) -> None:
    boundary = BOUNDARIES[name]

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def read(dice: Random) -> None:
        boundary.read(boundary.made(dice))

    read()


@pytest.mark.parametrize("kind", members.SPECS)
def test_the_configurations_that_are_changed_are_right_before(kind: str) -> None:
    assert parse_spec(kind, members.SPECS[kind])


@pytest.mark.parametrize("name", BOUNDARIES)
def test_p2_s05_by_chance_no_boundary_lets_through_what_cannot_be_applied(name: str) -> None:
    for case in range(round(CASES * BOUNDARIES[name].weight / WEIGHTS)):
        message = message_of(name, SEED, case)
        try:
            BOUNDARIES[name].read(message)
        except BaseException as fault:
            fault.add_note(f"{name}, case {case} of seed {SEED}: {message!r:.2000}")
            raise


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_broke_a_reader_is_read_in_bounds_or_refused(path: Path) -> None:
    read_find(path).read()


def test_the_nightly_run_has_a_million_cases_of_each_parser_in_turn() -> None:
    assert set(PARSERS) == {"URL", "header", "envelope", "ping", "mail", "importer", "YAML"}
    names = [name for kind in PARSERS.values() for name in kind]
    assert nightly.EACH == 10**6 and set(names) <= BOUNDARIES.keys()
    found = list(nightly.chunks(["URL", "import of gatus"], 7, 50_000))
    assert [name for name, _, _ in found[:2]] == ["URL", "import of gatus"]
    for name in ("URL", "import of gatus"):
        assert [case for one, _, cases in found if one == name for case in cases] == list(range(50_000))


def test_a_find_becomes_a_small_file_that_makes_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(message: bytes) -> None:
        if b"\0" in message and b"a" in message:
            raise ZeroDivisionError("broken")

    broken = Boundary(lambda dice: b"x" * 50 + b"a" + bytes(dice.randrange(3)) + b"y" * 50, breaks)
    monkeypatch.setitem(BOUNDARIES, "broken", broken)
    finds = nightly.read_chunk(("broken", 1, range(50)))
    assert len(finds) == nightly.FINDS_OF_CHUNK and {find.message["bytes"] for find in finds} == {"YQA="}
    path = finds[0].write(tmp_path)
    assert read_find(path) == finds[0] and path.stat().st_size < 500
    with pytest.raises(ZeroDivisionError):
        read_find(path).read()


def _given(made: Any, _: Random) -> Any:
    return made


def test_text_parts_and_what_is_neither_are_kept_as_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(message: object) -> None:
        raise KeyError(str(message)[:9])

    texts: tuple[Any, ...] = ("json", "\ud83d")
    for made, kept in ((texts, {"parts": [{"text": "anNvbg=="}, {"text": ""}]}), ({"a": 1}, None)):
        monkeypatch.setitem(BOUNDARIES, "broken", Boundary(partial(_given, made), refuses))
        find = find_of("broken", 1, 2, KeyError("x"))
        assert find == Find("broken", 1, 2, "KeyError: 'x'", kept)
        with pytest.raises(KeyError):
            find.read()


def test_the_smallest_message_still_breaks_its_reader() -> None:
    assert smallest("a" * 100 + "b" + "c" * 100 + "d", lambda text: "b" in text and "d" in text) == "bd"
    assert smallest(b"", lambda _: True) == b"" and smallest(3, lambda _: True) == 3
