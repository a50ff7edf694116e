"""Strange values in the place of any other: each import ends with a valid document, or one line that says why not."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

from tests.vigil.importers import test_gatus, test_hosted, test_kuma, test_litellm_document, test_terraform
from tests.vigil.importers.imports import planned, written
from vigil.importers.core.report import SourceError
from vigil.importers.registry import IMPORTERS

STRANGE: list[Any] = [
    None, True, -1, 1e12, 3.7, "", " ", "yes", "NaN", "12", "${env:X}", "a\nb", "x" * 3000, "\u202e", "ünï", [], [[]],
    {}, {"a": 1}, [1, "a", None, {}], "http://[::1", "https://u:p@h/?token=t", "0x10", "::1", "{{ x }}", "$X",
    "[STATUS] == [BODY]", "[BODY].a[ == any(", "pat(**[)", "1h-", "9" * 22,
]  # fmt: skip


def changed(value: Any, chance: random.Random, share: float) -> Any:
    """A copy in which about that share of all values is a strange one."""
    if chance.random() < share:
        return copy.deepcopy(chance.choice(STRANGE))
    if isinstance(value, dict):
        return {key: changed(each, chance, share) for key, each in value.items()}
    return [changed(each, chance, share) for each in value] if isinstance(value, list) else value


def test_a_strange_value_anywhere_ends_in_a_document_or_one_line(tmp_path: Path) -> None:
    documents = {
        "gatus": IMPORTERS["gatus"].read(written(tmp_path, test_gatus.CONFIG)),
        "uptime-kuma": IMPORTERS["uptime-kuma"].read(test_kuma.v2(tmp_path / "kuma.db")),
        "upptime": IMPORTERS["upptime"].read(written(tmp_path, test_hosted.SITES)),
        "litellm": IMPORTERS["litellm"].read(written(tmp_path, test_litellm_document.CONFIG)),
        "terraform": test_terraform.STATE,
        "uptimerobot": test_hosted.ROBOT,
        "betterstack": test_hosted.STACK,
        "healthchecks": test_hosted.CHECKS,
    }
    refused: list[str] = []
    for seed in range(4):
        chance = random.Random(seed)
        for source, document in documents.items():
            if source == "uptime-kuma":
                # Of a database only the values can be strange: its tables and rows are made by its reader.
                tables = document["tables"]
                rows = {name: [{key: changed(each, chance, 0.1) for key, each in row.items()} for row in of]
                        for name, of in tables.items()}  # fmt: skip
                strange: Any = {"tables": rows}
            elif isinstance(document, list):
                strange = [changed(document, chance, 0.06)]
            else:
                strange = changed(document, chance, 0.06)
            try:
                planned(source, strange)
            except SourceError as problem:
                refused.append(str(problem))
    assert 0 < len(refused) < 24 and not any("\n" in each for each in refused)
