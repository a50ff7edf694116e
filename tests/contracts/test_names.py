"""A name stands for one thing: no two public classes of the product share one."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
#: Programs of others import these: their names are those of the API's objects.
CLIENT = CHECKOUT / "vigil" / "client"


def test_no_two_public_classes_of_the_product_have_one_name() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for package in ("consensus", "probes", "vigil"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            if "migrations" not in path.parts and CLIENT not in path.parents:
                for node in ast.parse(path.read_text()).body:
                    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                        homes[node.name].append(str(path.relative_to(CHECKOUT)))
    assert "Verdict" in homes
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
