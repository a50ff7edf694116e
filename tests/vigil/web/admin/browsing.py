"""A form of the admin as a browser sends it: every field of the page as it stands, but for what is written."""

from __future__ import annotations

from typing import Any

from django.test import Client


def as_sent(client: Client, page: str, **written: Any) -> dict[str, Any]:
    """Fields of the page's form by their names; a box that is not ticked is missing."""
    answer: Any = client.get(page)
    assert answer.status_code == 200, page
    form = answer.context["adminform"].form
    stand = {one.html_name: one.value() for one in form}
    return {name: _text(value) for name, value in stand.items() if value is not None and value is not False} | written


def _text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [getattr(one, "pk", one) for one in value]
    return "on" if value is True else value
