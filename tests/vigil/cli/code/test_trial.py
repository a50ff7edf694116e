"""`trial` tries every monitor once, waits for the next minute where it must, and fails when one is not up."""

from __future__ import annotations

from typing import Any

from tests.vigil.code.core.test_document import BASE, document
from vigil.cli.code.connections import LocalInstallation
from vigil.cli.code.trial import try_all


class Regions(LocalInstallation):
    """An installation whose regions find the database down, and that takes one trial a minute."""

    def __init__(self) -> None:
        self.tried: list[dict[str, Any]] = []
        self.is_full = False

    def try_monitor(self, fields: dict[str, Any]) -> tuple[dict[str, Any] | None, float]:
        self.is_full = not self.is_full
        if not self.is_full:
            return None, 7.0
        self.tried.append(fields)
        status = "down" if fields["kind"] == "tcp" else "up"
        return {"verdict": {"status": status}, "regions": [{"region": "eu", "status": status, "words": "refused"}]}, 0


def test_every_monitor_is_tried_with_its_secrets_and_waits_are_kept() -> None:
    waits: list[float] = []
    there = Regions()
    found = document(BASE).objects["monitors"].values()
    rows = list(try_all(there, found, {"env:API_KEY": "a", "env:KEY": "k"}, waits.append))
    assert {row["key"]: row["status"] for row in rows} == {"api": "up", "db": "down", "openai": "up"}
    assert (there.tried[0]["secrets"], there.tried[0]["interval_s"]) == ({"bearer": "a"}, 120)
    assert waits == [7.0, 7.0]
    assert next(row["words"] for row in rows if row["key"] == "db") == "eu: refused"
