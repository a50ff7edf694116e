"""Log events are named `area.event`, each by a literal: a log can be searched, and an alert on it written, by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import consensus
import probes
import vigil

NAME = re.compile(r"[a-z_]+\.[a-z_]+")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
FOLDERS = [Path(package.__file__ or "").parent for package in (probes, consensus, vigil)]
LOGGING = [path for folder in FOLDERS for path in sorted(folder.rglob("*.py")) if "get_logger" in path.read_text()]


@pytest.mark.parametrize("path", LOGGING, ids=lambda path: str(path.relative_to(FOLDERS[0].parent)))
def test_every_log_call_names_its_event_as_area_and_event(path: Path) -> None:
    found = list(events(path.read_text()))
    assert [event for event in found if not NAME.fullmatch(event)] == []


def test_one_thing_has_one_event_whichever_process_logs_it() -> None:
    named = {event for path in LOGGING for event in events(path.read_text())}
    away = {event for event in named if event.endswith(".away")}
    assert away == {"redis.away", "postgresql.away"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('log.info("worker.ready", region="eu")', ["worker.ready"]),
        ('log.info("lease.acquired" if epoch else "lease.lost")', ["lease.acquired", "lease.lost"]),
        ('say = log.error if bad else log.info\nsay("anchors.changed")', ["anchors.changed"]),
        ('log.warning(f"{what}_away")', ["f'{what}_away'"]),
        ("log.warning(what)", ["what"]),
        ('other.info("nothing of ours")', []),
    ],
)
def test_an_event_is_found_however_it_is_written(code: str, expected: list[str]) -> None:
    assert list(events(f"log = structlog.get_logger()\n{code}")) == expected


def events(source: str) -> Iterator[str]:
    """The event of each log call: its literal, or the code that stands in its place."""
    tree = ast.parse(source)
    loggers = {name for name, value in assigned(tree) if "get_logger" in ast.unparse(value)}
    aliases = {
        name for name, value in assigned(tree) if isinstance(value, ast.IfExp) and is_method(value.body, loggers)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        if is_method(call.func, loggers) or (isinstance(call.func, ast.Name) and call.func.id in aliases):
            event = call.args[0]
            for each in (event.body, event.orelse) if isinstance(event, ast.IfExp) else (event,):
                yield (
                    each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else ast.unparse(each)
                )


def assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def is_method(function: ast.expr, loggers: set[str]) -> bool:
    """Whether it is `log.info` or the like; methods that are no level, such as `bind`, are none."""
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in loggers
        and function.attr in LEVELS
    )
