"""Each alarm that Vigil raises about itself has an entry in the runbook, by the reason that the incident shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vigil.incidents.core.model import StepReason

CHECKOUT = Path(__file__).resolve().parents[2]
RUNBOOK = CHECKOUT / "deploy" / "guide" / "runbook.md"
#: Reasons of incidents about targets, not about Vigil.
ABOUT_TARGETS = {StepReason.CONFIRMED, StepReason.FAILING_TOGETHER, StepReason.EXTERNAL_FIRING}
PARTS = ("*Means*: ", "*Do*: ")


def opening_reasons(source: str) -> Iterator[StepReason]:
    """Reasons of the steps that open an incident, where both are named."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            named = {ast.unparse(each) for each in node.args}
            if "Step.OPENED" in named:
                yield from (StepReason[each.partition(".")[2]] for each in named if each.startswith("StepReason."))


def entries() -> dict[str, str]:
    parts = re.split(r"(?m)^## ", RUNBOOK.read_text())[1:]
    found = [(re.match(r"`([a-z_]+)`", part), part) for part in parts]
    return {named[1]: part for named, part in found if named}


def test_each_alarm_about_vigil_itself_has_an_entry_and_no_entry_is_left_over() -> None:
    files = [path for path in (CHECKOUT / "vigil").rglob("*.py") if "Step.OPENED" in path.read_text()]
    reasons = {reason for path in files for reason in opening_reasons(path.read_text())}
    assert StepReason.DISK_SHORT in reasons
    assert entries().keys() == {reason.value for reason in reasons - ABOUT_TARGETS}


def test_each_entry_says_what_it_means_and_what_to_do() -> None:
    assert [name for name, text in entries().items() if not all(part in text for part in PARTS)] == []
