"""Rows of a status page for tests, and what is published of them."""

from __future__ import annotations

from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor
from vigil.status.changes import save_status_page
from vigil.status.core.document import PublishedPage
from vigil.status.models import StatusPage
from vigil.status.published import PublishedPages

#: Words of what is inside: none may be in any file of a page.
SECRET = "plantedword"


def made(world: World, **more: object) -> tuple[StatusPage, Monitor]:
    """A page with one monitor, whose own name, target and tag are planted words."""
    monitor = world.monitor(f"{SECRET}-name", f"{SECRET}-host.example.test", tags=[f"{SECRET}-tag"])
    components = [
        {"name": "Chat API", "monitor": monitor, "group": "AI"},
        {"name": "All of it", "tag": f"{SECRET}-tag"},
    ]
    wanted = {"slug": "acme", "title": "Acme AI", "components": components, **more}
    return save_status_page(StatusPage(team=default_team()), wanted), monitor


def everything(found: PublishedPage) -> str:
    files = [*found.files.items(), *found.unheard.items()]
    return "\n".join(f"{path}\n{file.plain.decode(errors='replace')}" for path, file in files)


def shown(pages: PublishedPages, slug: str = "acme") -> PublishedPage:
    found = pages.find(slug)
    assert found is not None
    return found
