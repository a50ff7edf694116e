"""Tool over public status pages: `post_status_update`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.core.schemas import ArgumentsRefused
from vigil.mcp.tool import Tool, ToolEffect, ToolScope


class StatusUpdateAsked(ToolArguments, frozen=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, description="What readers are told.")]
    state: Literal["investigating", "identified", "monitoring", "resolved"] = "investigating"
    public_incident: Annotated[
        str, msgspec.Meta(pattern=r"^(pin_[0-9a-z]{1,20})?$", description="One that is there; empty for a new one.")
    ] = ""
    page: Annotated[str, msgspec.Meta(max_length=100, description="For a new one: id or slug of the status page.")] = ""
    title: Annotated[str, msgspec.Meta(max_length=200, description="For a new one.")] = ""
    incident: Annotated[
        str, msgspec.Meta(pattern=r"^(inc_[0-9a-z]{1,20})?$", description="For a new one: what it is about.")
    ] = ""
    publish: Annotated[bool, msgspec.Meta(description="Tell readers and subscribers now, instead of a draft.")] = False


class StatusUpdatePosted(msgspec.Struct, frozen=True):
    """`is_draft`: it waits for a person on the page behind `link`."""

    public_incident: str
    state: str
    is_draft: bool
    link: str


def post_status_update(api: CallerApi, asked: StatusUpdateAsked) -> StatusUpdatePosted:
    """Write an update of a public incident, or a new one: a draft that waits for a person, unless `publish` is true.

    Publish only when a person has read the text: readers and subscribers see it at once, and it cannot be taken back.
    """
    said: dict[str, Any] = {"state": asked.state, "text": asked.text, "is_draft": not asked.publish}
    id = asked.public_incident
    if id:
        api.post(f"public-incidents/{id}/updates", said)
    else:
        if not asked.page or not asked.title:
            raise ArgumentsRefused("A new public incident needs `page` and `title`; or name one by `public_incident`.")
        about = {"incident": asked.incident} if asked.incident else {}
        body = {"page": _page(api, asked.page), "title": asked.title, **about, **said}
        id = api.post("public-incidents", body)["id"]
    return StatusUpdatePosted(id, asked.state, not asked.publish, api.link("settings", "public-incidents", id))


def _page(api: CallerApi, called: str) -> str:
    pages = api.get("status-pages", limit=200, fields="id,slug")["results"]
    found = [page["id"] for page in pages if called in (page["id"], page["slug"])]
    if not found:
        slugs = ", ".join(one_line(page["slug"]) for page in pages[:10]) or "none"
        raise ArgumentsRefused(f"There is no status page {called[:80]!r}. There are: {slugs}.")
    return str(found[0])


TOOLS = {
    "post_status_update": Tool(post_status_update, ToolScope.PUBLISH, ToolEffect.ADDS, is_idempotent=False),
}
