"""A publisher on a folder of its own, in a minute that does not pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vigil.status.published import PublishedPages
    from vigil.status.publisher import PagePublisher


@pytest.fixture
def pages(tmp_path: Path) -> PublishedPages:
    from vigil.status.published import PublishedPages

    return PublishedPages(tmp_path / "status")


@pytest.fixture
def making(pages: PublishedPages, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> PagePublisher:
    # The settings are there only now.
    from tests.vigil.status.facts import FRAME
    from vigil.clock import database_now
    from vigil.status import publisher
    from vigil.status.core.languages import LANGUAGES

    # Each minute is a sign of change: here none passes.
    now = database_now()
    monkeypatch.setattr(publisher, "database_now", lambda: now)
    monkeypatch.setattr(publisher, "SPACED_S", 0.0)
    monkeypatch.setattr(publisher, "SPACED_TIMES", 0)
    frame = replace(FRAME, languages=tuple(LANGUAGES))
    return publisher.PagePublisher(pages, lambda _: frame)
