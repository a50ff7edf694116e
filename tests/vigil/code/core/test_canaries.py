"""A canary in vigil.yaml: its price stands in the plan, and money that does not add up is refused at its place."""

from __future__ import annotations

import pytest

from tests.vigil.code.applying import applied, planned
from tests.vigil.code.core.test_document import document, problems

CANARY = """version: 1
monitors:
  luna:
    canary:
      url: https://api.openai.com/v1/chat/completions
      form: openai_chat
      model: gpt-5.6-luna
      billing_acknowledged: true
      monthly_budget: 2
    interval: 15m
"""


def test_the_plan_says_what_a_month_costs() -> None:
    [price] = document(CANARY).objects["monitors"]["luna"].warnings
    assert price.startswith("About $0.12 a month")
    assert price.endswith("it stops at $2.00.")


@pytest.mark.django_db
def test_the_plan_of_a_change_says_what_it_has_cost_until_now() -> None:
    [first] = applied(CANARY).warnings
    assert first.startswith("monitors.luna: About $0.12 a month")
    assert planned(CANARY).warnings == [first]
    often, before = planned(CANARY.replace("15m", "1m")).warnings
    assert often.startswith("monitors.luna: About $1.8")
    assert before == first.replace("About", "until now: About")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("gpt-5.6-luna", "gpt-unheard-of", "vigil.yaml:4: monitors.luna: canary: input_price: is required"),
        ("budget: 2", "budget: 0.0000001", "monthly_budget: is less than one answer may cost"),
        ("acknowledged: true", "acknowledged: false", "only you can agree to that"),
        ("15m", "30s", "so at least 1m"),
    ],
)
def test_money_that_does_not_add_up_is_refused_at_its_place(old: str, new: str, words: str) -> None:
    assert old in CANARY
    found = problems(CANARY.replace(old, new))
    assert any(words in one for one in found), found
