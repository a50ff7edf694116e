"""Rows of a status page for tests, and what is published of them."""

from __future__ import annotations

from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor
from vigil.status.changes import save_status_page
from vigil.status.core.answer import STALE, as_of
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
    """Every file of a page in every language, and what takes its place or is added to it while its source is silent."""
    silent = found.heard_at + 2 * STALE
    files = [*found.files.items(), *found.unheard.items()]
    for language in ("", *found.in_languages):
        files += [(path, file) for path in found.files if (file := as_of(found, path, silent, language)) is not None]
        files += found.in_languages.get(language, {}).items()
    return "\n".join(f"{path}\n{file.plain.decode(errors='replace')}" for path, file in files)


def shown(pages: PublishedPages, slug: str = "acme") -> PublishedPage:
    found = pages.find(slug)
    assert found is not None
    return found
