"""Faults for tests of what goes on after them: planted at a step of a loop, for some calls or for some inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog


class Fault(Exception):
    """What a planted step raises: nothing that any code expects."""


class NoException(BaseException):
    """What gets past every `except Exception`, as an exit does, or a library's own panic."""


@dataclass(slots=True)
class Planted:
    """How often a planted step has raised."""

    raised: int = 0


def plant(
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    times: int | None = None,
    fault: type[BaseException] = Fault,
) -> Planted:
    """Make `place.name` raise for so many calls, or always."""
    planted = Planted()
    return _planted(monkeypatch, place, name, planted, lambda *_: times is None or planted.raised < times, fault)


def plant_poison(
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    is_poison: Callable[..., bool],
    fault: type[BaseException] = Fault,
) -> Planted:
    """Make `place.name` raise for the calls whose arguments hold a poison."""
    return _planted(monkeypatch, place, name, Planted(), is_poison, fault)


def _planted(
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    planted: Planted,
    raises: Callable[..., bool],
    fault: type[BaseException],
) -> Planted:
    real = getattr(place, name)
    # What is logged of faults is not made pretty here, at a second each.
    monkeypatch.setattr("structlog._config._CONFIG.default_processors", [structlog.processors.KeyValueRenderer()])

    def stands_for(*args: Any, **options: Any) -> Any:
        if raises(*args):
            planted.raised += 1
            if fault is UnicodeDecodeError:
                raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "planted")
            raise fault("planted")
        return real(*args, **options)

    monkeypatch.setattr(place, name, stands_for)
    return planted
