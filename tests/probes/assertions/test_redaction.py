"""Secrets that a target repeats, kept out of what is said of it."""

from __future__ import annotations

import pytest

from probes.assertions.redaction import masked, spellings, veiled
from probes.prober import Observation
from probes.reasons import Reason, Status


def test_every_spelling_of_a_secret_is_known() -> None:
    known = spellings({"basic": "user:secret-word", "header.Cookie": "session=0123456789abcdef; a=b", "bearer": "abc"})
    assert "secret-word" in known
    assert "dXNlcjpzZWNyZXQtd29yZA==" in known
    assert "session=0123456789abcdef; a=b" in known
    assert "abc" not in known
    # As it may come back within JSON, or within a link.
    assert {'a\\"b/c', "a%22b%2Fc"} <= set(spellings({"bearer": 'a"b/c'}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing here", "nothing here"),
        ("the key sk-0123456789 is wrong", "the key *** is wrong"),
        ("sk-0123456789sk-0123456789", "******"),
        ("cut in the key sk-01234", "cut in the key ***…"),
        ("cut in the key sk-01234…", "cut in the key ***…"),
        # Too little of it to be one.
        ("a task-0", "a task-0"),
    ],
)
def test_a_secret_is_masked_wherever_it_stands(text: str, shown: str) -> None:
    assert masked(text, ["sk-0123456789"]) == shown


def test_an_observation_is_veiled_in_its_detail_and_its_facts() -> None:
    seen = Observation(Status.DOWN, Reason.AUTH, detail="key sk-1234 refused", facts={"said": "sk-1234!", "count": 3})
    shown = veiled(seen, ["sk-1234"])
    assert (shown.detail, shown.facts) == ("key *** refused", {"said": "***!", "count": 3})
    assert veiled(seen, []) is seen
