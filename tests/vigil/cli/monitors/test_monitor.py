"""`manage.py monitor` makes a monitor in one line, lists them with their status, and pauses them (n7)."""

from __future__ import annotations

import json

import pytest

from vigil.cli import main
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
FAKE_KEY = "obviously-fake-key-777777"


@pytest.fixture(autouse=True)
def regions() -> None:
    for slug in ("eu", "us", "ap"):
        Region.objects.create(slug=slug, domain=slug)


def test_an_address_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "add", "https://shop.example/health?token=x"]) == 0
    monitor = Monitor.objects.get()
    assert (monitor.name, monitor.kind, monitor.regions.count()) == ("https://shop.example/health", "http", 3)
    assert capsys.readouterr().out.startswith(f"{monitor.public_id}  {monitor.name}: every 60 s from ap, eu, us")


def test_every_field_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tcp://db.example:5432", "--name", "Database", "--every", "5s", "--priority", "high", "--tag", "shop"]
    assert main(["monitor", "add", *words, "--regions", "eu,us", "--sensitivity", "high", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["regions"] == ["eu", "us"] and made["warnings"] == ["Two regions: an alert needs a failure in both."]
    row = Monitor.objects.get(public_id=made["id"])
    assert (row.name, row.interval_s, row.timeout_ms, row.priority) == ("Database", 5, 5_000, "high")
    assert (row.tags, row.sensitivity, row.config) == (["shop"], "high", {"host": "db.example", "port": 5432})


def test_a_preset_takes_its_key_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", FAKE_KEY)
    assert main(["monitor", "add", "--preset", "openai", "--key-env", "KEY", "--model", "gpt-x"]) == 0
    row = Monitor.objects.get()
    assert FAKE_KEY in row.secrets.values() and row.tags == ["ai"]
    assert FAKE_KEY not in capsys.readouterr().out


def test_monitors_are_listed_paused_resumed_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "list"]) == 0
    assert "none yet" in capsys.readouterr().out
    main(["monitor", "add", "https://shop.example/", "--name", "shop"])
    row = Monitor.objects.get()
    statuses = []
    for words in (["pause", "shop"], ["resume", row.public_id]):
        assert main(["monitor", *words]) == 0
        capsys.readouterr()
        main(["monitor", "list", "--json"])
        statuses.append(json.loads(capsys.readouterr().out)[0]["status"])
    assert statuses == ["paused", "unknown"]
    assert main(["monitor", "delete", "shop"]) == 0
    assert not Monitor.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["add"], "name a URL, or a preset"),
        (["add", "https://x.example/", "--regions", "mars"], "there is no region 'mars'"),
        (["add", "https://x.example/", "--every", "1s"], "interval_s: "),
        (["add", "https://x.example/", "--set", "metod=GET"], "config: metod: is not a field of http"),
        (["pause", "nothing"], "there is no monitor 'nothing'"),
    ],
)
def test_a_wrong_question_is_said(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *words]) == 2
    assert problem in capsys.readouterr().err
