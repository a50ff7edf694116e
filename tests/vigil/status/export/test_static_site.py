"""An exported page is whole for any file server: every link leads to a file, and each file is of its moment."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.folder_server import served
from tests.vigil.status.facts import FRAME, NOW, component, incident, page
from vigil.status.core.facts import PageFacts
from vigil.status.core.history.year import year_of
from vigil.status.export.site_folder import SiteFolder
from vigil.status.export.static_site import StaticFrame, static_site

ASSETS = {FRAME.style: "assets/vigil.css", FRAME.sprite: "assets/icons.svg", FRAME.icon: "assets/favicon.svg"}
FACTS = page(component("Chat API", group="AI"), component("Console", position=1), incidents=[incident()])
_LINKS = re.compile(r'(?:href|src)="([^"#]+)|\]\(([^)#]+)\)')


def files(facts: PageFacts = FACTS, address: str = "") -> dict[str, bytes]:
    frame = replace(FRAME, address=address) if address else FRAME
    year = year_of(facts.components, facts.incidents, facts.now)
    made = static_site(facts, StaticFrame(frame, ASSETS, bool(address)), year)
    return {**made, **dict.fromkeys(ASSETS.values(), b"asset")}


@pytest.mark.parametrize("below", ["", "acme/"])
def test_each_link_of_an_exported_page_is_a_file_wherever_it_is_put(tmp_path: Path, below: str) -> None:
    SiteFolder(tmp_path).replace({f"{below}{path}": body for path, body in files().items()})
    with served(tmp_path) as address, httpx.Client(timeout=10, follow_redirects=True) as client:
        for path in ("", "embed.html", "index.md", "llms.txt", "history/", "history/2026-11/"):
            at = f"{address}{below}{path}"
            answer = client.get(at)
            links = {urljoin(at, href or text) for href, text in _LINKS.findall(answer.text)}
            assert answer.status_code == 200 and links and all(one.startswith(address) for one in links), path
            assert {one: client.get(one).status_code for one in links} == dict.fromkeys(links, 200)
        summary = client.get(f"{address}{below}api/v2/summary.json")
        assert summary.headers["content-type"] == "application/json"
        assert summary.json()["page"]["url"] == FRAME.address
        assert client.get(f"{address}{below}badge.svg").headers["content-type"] == "image/svg+xml"


def test_with_its_address_every_file_names_it_and_no_other() -> None:
    own = "https://status.example.com/acme"
    made = files(address=own)
    assert f'href="{own}/assets/vigil.css"' in made["index.html"].decode()
    assert (
        f'"address": "{own}"' in made["embed.js"].decode()
        and f"<id>{own}/history.atom" in made["history.atom"].decode()
    )
    assert all(b"vigil.test" not in body and b'"/assets' not in body for body in made.values())


def test_a_copy_says_of_when_it_is_and_an_old_source_since_when_it_is_silent() -> None:
    assert "As of 29 Nov 2026 14:09 UTC." in files()["index.html"].decode()
    old = files(replace(FACTS, heard_at=NOW - timedelta(hours=1)))
    for path in ("index.html", "index.md", "api/v2/status.json"):
        assert "Last updated 29 Nov 2026 13:09 UTC. Newer facts may be missing." in old[path].decode()
    assert b"no news" in old["badge.svg"] and b"no news" in old["embed.html"] and b"As of" not in old["index.html"]
