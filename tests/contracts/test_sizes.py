"""Files and folders of the product stay small: at most 250 lines, and 15 modules besides `__init__.py`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LINES_MOST, MODULES_MOST = 250, 15


def product() -> list[Path]:
    found = [path for package in ("consensus", "probes", "vigil") for path in (CHECKOUT / package).rglob("*.py")]
    return [path.relative_to(CHECKOUT) for path in found if "migrations" not in path.parts]


def test_each_file_is_short_enough_to_be_read_at_once() -> None:
    lines = {str(path): len((CHECKOUT / path).read_text().splitlines()) for path in product()}
    assert {path: count for path, count in lines.items() if count > LINES_MOST} == {}


def test_each_folder_has_few_enough_modules_to_be_one_subject() -> None:
    modules = Counter(str(path.parent) for path in product() if path.name != "__init__.py")
    assert modules["vigil"]
    assert {folder: count for folder, count in modules.items() if count > MODULES_MOST} == {}
