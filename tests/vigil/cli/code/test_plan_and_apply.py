"""`plan`, `apply`, `export` and `adopt`, here and by the API of another installation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx
import pytest
from django.test import Client

from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.alerts.models import Channel, Route
from vigil.cli import main
from vigil.cli.code import remote_installation
from vigil.cli.code.remote_installation import RemoteInstallation
from vigil.cli.errors import CommandError
from vigil.code.load import load
from vigil.code.models import ConfigurationPlan
from vigil.code.plans import plan_shown
from vigil.monitors.changes import delete_monitor, update_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).parents[4] / "deploy" / "examples" / "ai-product.yaml"
FAKE_KEY = "obviously-fake-key-777777"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", FAKE_KEY)
    monkeypatch.setenv("PAGERDUTY_ROUTING_KEY", "R0123456789ABCDEF0123456789ABCDEF"[:32])
    monkeypatch.setenv("SLACK_URL", "https://hooks.slack.example/services/T/B/x")


def answer(asked: httpx.Request) -> httpx.Response:
    """The answer of the API in this process, within the transaction of the test."""
    headers = {name: asked.headers[name] for name in ("authorization", "content-encoding") if name in asked.headers}
    path = asked.url.raw_path.decode()
    found = Client().generic(asked.method, path, asked.content, "application/json", headers=headers)
    return httpx.Response(found.status_code, content=found.content)


def remote(*scopes: Scope) -> RemoteInstallation:
    token = issue_token(default_team(), "ci", scopes or (Scope.READ, Scope.WRITE))[1]
    return RemoteInstallation("http://testserver", token, httpx.MockTransport(answer))


def test_an_ai_product_is_one_file_of_under_80_lines_and_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 80
    assert main(["apply", str(EXAMPLE)]) == 0
    shown = capsys.readouterr().out
    assert FAKE_KEY not in shown and "19 to create" in shown
    rows = Monitor.objects.filter(deleted_at=None)
    kinds = [row.kind for row in rows]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"http": 5, "tcp": 2, "heartbeat": 4, "composite": 1}
    graces = sorted(row.heartbeat.grace_s // 60 for row in rows.filter(kind="heartbeat"))
    assert graces == [5, 20, 120, 180]
    assert main(["plan", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == "No changes.\n"


def test_plan_exits_with_2_for_changes_and_1_for_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vigil.yaml"
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}}}\n")
    assert main(["plan", str(file), "--json"]) == 2
    plan = json.loads(capsys.readouterr().out)
    assert plan["changes"][0]["section"] == "monitors" and plan["id"].startswith("pln_")
    assert main(["apply", plan["id"]]) == 0
    assert main(["apply", plan["id"]]) == 0
    assert "nothing is left to do" in capsys.readouterr().out
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: h.example, port: 2}}}\n")
    assert main(["plan", str(file), "--markdown"]) == 2
    assert "    tcp.port: 1 -> 2" in capsys.readouterr().out
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: '${env:NOT_SET}', port: 2}}}\n")
    assert main(["plan", str(file)]) == 1
    assert "vigil.yaml:2: the environment variable NOT_SET is not set" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["plan", "--nonsense"])
    assert left.value.code == 1


def test_deletions_are_named_and_wait_for_a_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vigil.yaml"
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}}}\n")
    main(["apply", str(file)])
    file.write_text("version: 1\n")
    capsys.readouterr()
    assert main(["apply", str(file), "--prune"]) == 2
    told = capsys.readouterr()
    assert "- monitors.a (mon_" in told.out and "--yes" in told.err
    assert main(["apply", str(file), "--prune", "--yes"]) == 0
    assert not Monitor.objects.filter(deleted_at=None).exists()


def test_an_export_of_what_was_made_by_hand_changes_nothing_when_it_is_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["apply", str(EXAMPLE)])
    capsys.readouterr()
    assert main(["export", "--project", "ai-product"]) == 0
    text = capsys.readouterr().out
    assert "${env:OPENAI_API_KEY}" in text and FAKE_KEY not in text
    file = tmp_path / "vigil.yaml"
    file.write_text(text)
    assert main(["plan", str(file)]) == 0
    main(["export", "--project", "ai-product"])
    assert text in capsys.readouterr().out


def test_the_same_works_with_a_token_from_elsewhere(tmp_path: Path) -> None:
    there = remote()
    plan = there.plan(load(EXAMPLE), prune=False)
    assert there.stored_plan(plan["id"])["applied_at"] is None
    assert there.apply(plan["id"])["applied_by"] == "ci"
    assert there.plan(load(EXAMPLE), prune=False)["changes"] == []
    assert list(there.export("ai-product", everything=False)["monitors"]) == [
        "chat-api", "embeddings", "gateway", "openai", "queue", "vector-store", "website",
    ]  # fmt: skip


def test_problems_of_the_server_come_with_the_lines_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "vigil.yaml"
    file.write_text("version: 1\nmonitors:\n  a: {tcp: {host: h.example, port: 1}, regions: [atlantis]}\n")
    there = remote()
    with pytest.raises(CommandError, match=r"vigil\.yaml:3: monitors\.a: regions: there is no region 'atlantis'"):
        there.plan(load(file), prune=False)
    with pytest.raises(CommandError, match="answered 403"):
        remote(Scope.READ).plan(load(file), prune=False)


def test_an_object_made_by_hand_is_adopted_by_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["monitor", "add", "tcp://h.example:1", "--name", "a"])
    row = Monitor.objects.get()
    file = tmp_path / "vigil.yaml"
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}}}\n")
    assert main(["plan", str(file)]) == 1
    assert f"adopt monitors.a={row.public_id}" in capsys.readouterr().err
    assert main(["adopt", f"monitors.a={row.public_id}"]) == 0
    assert main(["apply", str(file)]) == 0
    assert Monitor.objects.filter(deleted_at=None).get().pk == row.pk


@pytest.mark.parametrize("where", ["here", "by the API"])
def test_everything_made_by_hand_is_adopted_at_once_and_its_export_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    main(["monitor", "add", "tcp://h.example:1", "--name", "a"])
    main(["monitor", "add", "tcp://h.example:2", "--name", "B!"])
    team, monitor = default_team(), Monitor.objects.get(name="a")
    channel = Channel.objects.create(team=team, name="ops", kind="webhook", config={"url": "https://h.example/"})
    route = Route.objects.create(team=team, name="all", default=True)
    route.channels.add(channel)
    if where == "here":
        assert main(["adopt", "--everything"]) == 0
        assert f"monitors.a is {monitor.public_id}" in capsys.readouterr().out
        assert main(["adopt", "--everything"]) == 0 and "is " not in capsys.readouterr().out
    else:
        adopted = remote().adopt_everything("default")
        assert {place for place, _ in adopted} == {"monitors.a", "monitors.b", "channels.ops", "routes.all"}
        assert remote().adopt_everything("default") == []
    file = tmp_path / "vigil.yaml"
    assert main(["export", "-o", str(file)]) == 0
    assert main(["plan", str(file)]) == 0
    assert (Monitor.objects.count(), Route.objects.count(), Channel.objects.count()) == (2, 1, 1)


def test_adoption_asks_for_either_pairs_or_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt"]) == main(["adopt", "monitors.a=mon_x", "--everything"]) == 2


def test_an_export_into_the_file_keeps_comments_and_writes_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "vigil.yaml"
    text = (
        "# Ours.\nversion: 1\ndefaults: {interval: 30s}\nmonitors:\n  # The database.\n"
        "  a: {tcp: {host: h.example, port: 1}}  # primary\n  b: {tcp: {host: h.example, port: 2}}\n"
    )
    file.write_text(text)
    main(["apply", str(file)])
    assert main(["export", "-o", str(file)]) == 0
    assert file.read_text() == text
    update_monitor(Monitor.objects.get(name="a"), {"interval_s": 300})
    delete_monitor(Monitor.objects.get(name="b"))
    assert main(["export", "-o", str(file)]) == 0
    assert file.read_text() == (
        "# Ours.\nversion: 1\ndefaults: {interval: 30s}\nmonitors:\n  # The database.\n"
        "  a: {tcp: {host: h.example, port: 1}, interval: 5m} # primary\n"
    )
    assert main(["plan", str(file)]) == 0


WRITTEN = """# Ours.
version: 1
defaults: {interval: 30s}
monitors:
  # The provider.
  openai: {preset: openai, key: "${env:OPENAI_API_KEY}", model: gpt-5, tags: [chat]}  # main
  api:
    http: {url: "https://h.example/?key=${env:OPENAI_API_KEY}", headers: {X-Key: "${env:OPENAI_API_KEY}"}}
    priority: ${env:PRIORITY}
"""


def test_presets_and_references_are_given_back_as_they_were_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIORITY", "high")
    file, exported = tmp_path / "vigil.yaml", tmp_path / "exported.yaml"
    file.write_text(WRITTEN)
    assert main(["apply", str(file), "--json"]) == 0
    row = ConfigurationPlan.objects.get()
    assert FAKE_KEY not in str(plan_shown(row)) and FAKE_KEY not in capsys.readouterr().out
    assert Monitor.objects.get(name="api").config["url"] == f"https://h.example/?key={FAKE_KEY}"
    main(["export"])
    text = capsys.readouterr().out
    assert 'openai: {preset: openai, key: "${env:OPENAI_API_KEY}", model: gpt-5, tags: [chat]' in " ".join(text.split())
    assert "X-Key: ${env:OPENAI_API_KEY}" in text.replace('"', "") and FAKE_KEY not in text
    exported.write_text(text)
    assert main(["plan", str(exported)]) == 0
    capsys.readouterr()
    assert main(["export", "-o", str(file)]) == 0
    assert file.read_text() == WRITTEN
    # Another value is a change that shows neither; a hand on the preset makes it a monitor of its kind.
    monkeypatch.setenv("OPENAI_API_KEY", "another-fake-key-888888")
    assert main(["plan", str(file), "--json"]) == 2
    plan = capsys.readouterr().out
    assert "(changed)" in plan and "another-fake" not in plan and FAKE_KEY not in plan
    openai = Monitor.objects.get(name="openai")
    update_monitor(openai, {"interval_s": 900, "config": {**openai.config, "body_limit": 2_000}})
    assert main(["export"]) == 0
    text = capsys.readouterr().out
    assert "preset" not in text and "interval: 15m" in text


def test_a_value_that_does_not_fit_is_never_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    file = tmp_path / "vigil.yaml"
    wrong = (
        "a: {tcp: {host: h.example, port: 1}, priority: '${env:OPENAI_API_KEY}'}",
        "a: {tcp: {host: h.example, port: 1}, interval: '${env:OPENAI_API_KEY}'}",
        "a: {http: {url: 'https://h.example/', method: '${env:OPENAI_API_KEY}'}}",
        "a: {tcp: {host: h.example, port: 1}, regions: ['${env:OPENAI_API_KEY}']}",
    )
    for text in wrong:
        file.write_text(f"version: 1\nmonitors:\n  {text}\n")
        assert main(["plan", str(file)]) == 1
        told = capsys.readouterr().err
        assert "vigil.yaml:3: monitors.a" in told and FAKE_KEY[:8] not in told, told
    file.write_text("version: 1\nmonitors: {a: {tcp: {host: '${env:EMPTY}', port: 1}}}\n")
    assert main(["plan", str(file)]) == 1
    assert "vigil.yaml:2: the environment variable EMPTY is empty" in capsys.readouterr().err


def test_a_large_document_is_sent_packed_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "vigil.yaml"
    monitors = "".join(f"  m{number}: {{tcp: {{host: h{number}.example, port: 1}}}}\n" for number in range(50))
    file.write_text(
        f"version: 1\nmonitors:\n{monitors}channels: {{hook: {{webhook: {{url: 'https://h.example/x'}}}}}}\n"
    )
    monkeypatch.setattr(remote_installation, "_PACKED_FROM", 0)
    there = remote()
    assert len(there.plan(load(file), prune=False)["changes"]) == 51
    headers = {"authorization": there._client.headers["authorization"], "content-encoding": "gzip"}
    whole = gzip.compress(b'{"document": "' + b"x" * 9_000_000 + b'"}', 1)
    for body, status, words in (
        (whole, 413, "8,388,608 bytes"), (whole[:-9], 413, "8,388,608"), (gzip.compress(b"{}")[:-4], 400, "cut off"),
        (b"{}", 400, "not packed"), (b"x" * 1_100_000, 413, "pack it with gzip"),
    ):  # fmt: skip
        found = Client().post("/api/v1/plans", body, "application/json", headers=headers)
        assert (found.status_code, words in found.content.decode()) == (status, True), found.content
