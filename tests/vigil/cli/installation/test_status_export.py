"""`manage.py status export` writes what everyone may read, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vigil.incidents.world import World
from tests.vigil.status.rows import SECRET, made
from vigil.accounts.teams import default_team
from vigil.cli import main
from vigil.status.changes import save_status_page
from vigil.status.models import StatusPage

pytestmark = pytest.mark.django_db(transaction=True)


def texts(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): one.read_text() for one in folder.rglob("*") if one.is_file()}


def test_public_pages_are_exported_each_in_its_folder_without_a_word_from_inside(
    redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    row, monitor = made(world)
    closed = StatusPage(team=default_team())
    wanted = {"slug": "closed", "title": f"{SECRET} closed", "visibility": "password", "password": "long enough"}
    save_status_page(closed, wanted)
    world.see(monitor, "fail")
    assert main(["status", "export", str(tmp_path / "site"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = texts(tmp_path / "site")
    assert told["pages"] == ["acme"] and told["files"] == len(found) - 1 == told["changed"]
    assert "Chat API" in found["acme/index.html"] and "major_outage" in found["acme/api/v2/summary.json"]
    assert all(name.startswith("acme/") or name == ".vigil-files.json" for name in found)
    inside = [SECRET, monitor.public_id, row.public_id.replace("stp_", "team_"), *(one.slug for one in world.regions)]
    assert [(name, word) for name, text in found.items() for word in inside if word in text] == []
    # What was closed meanwhile is gone.
    save_status_page(row, {"visibility": "password", "password": "long enough"})
    assert main(["status", "export", str(tmp_path / "site")]) == 0
    assert "no public page. 0 files" in capsys.readouterr().out and texts(tmp_path / "site").keys() == {
        ".vigil-files.json"
    }


def test_one_page_is_exported_to_the_top_with_its_own_address(redis_url: str, tmp_path: Path) -> None:
    made(World())
    address = "https://status.example.com"
    assert main(["status", "export", str(tmp_path), "--page", "acme", "--base-url", f"{address}/"]) == 0
    found = texts(tmp_path)
    assert f'href="{address}/history.atom"' in found["index.html"]
    assert json.loads(found["api/v2/status.json"])["page"]["url"] == address
    (style,) = (name for name in found if name.endswith(".css"))
    assert f'href="{address}/{style}"' in found["index.html"] and "assets/favicon.svg" in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--page", "none"], "there is no status page none"),
        (["--page", "acme"], "not everyone may read acme"),
        (["--base-url", "status.example.com"], "--base-url is an address"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(
    redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    made(World(), visibility="password", password="long enough")
    assert main(["status", "export", str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and list(tmp_path.iterdir()) == []
