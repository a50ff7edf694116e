"""Files of a status page as any file server serves them: names with endings, and links from where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vigil.status.core.answer import as_of
from vigil.status.core.document import HTML, MARKDOWN, TEXT, PublishedPage, project
from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.history.year import PageYear
from vigil.status.core.html import dated

INDEX = "index.html"
#: Documents whose links may be relative; the others are read far from where they are.
_RELATIVE = frozenset({HTML, MARKDOWN, TEXT})


@dataclass(frozen=True, slots=True)
class StaticFrame:
    """Where the page will be: its frame, or that of Vigil's page where its own address is not known.

    `assets` has what it needs beside its files: their paths below the page by their addresses in the frame.
    """

    frame: PageFrame
    assets: Mapping[str, str]
    is_absolute: bool

    def seen_from(self, depth: int) -> PageFrame:
        """The frame for files so many folders below the page: relative, unless its address is known."""
        here = self.frame.address if self.is_absolute else "/".join([".."] * depth) or "."
        style, sprite, icon, script = (
            f"{here}/{self.assets[one]}" if one else ""
            for one in (self.frame.style, self.frame.sprite, self.frame.icon, self.frame.script)
        )
        return replace(self.frame, address=here, style=style, sprite=sprite, icon=icon, script=script)


def static_site(facts: PageFacts, site: StaticFrame, year: PageYear | None = None) -> dict[str, bytes]:
    """The files by their paths, without the assets. The page and its text say of when they are."""
    far = project(facts, site.frame, year=year)
    near: dict[int, PublishedPage] = {}
    found = {}
    for path, file in far.files.items():
        name = _name(path)
        source = far
        if site.is_absolute or file.content_type in _RELATIVE:
            depth = name.count("/")
            if depth not in near:
                near[depth] = project(facts, site.seen_from(depth), year=year)
            source = near[depth]
        made = as_of(source, path, facts.now) or file
        found[name] = dated(made.plain, facts.now, facts.words) if name.endswith(".html") else made.plain
    return found


def _name(path: str) -> str:
    """A path without an ending is a folder with an index."""
    if path and "." in path.rpartition("/")[2]:
        return path
    return f"{path}/{INDEX}" if path else INDEX
