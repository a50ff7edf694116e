"""Repeated rows of a sent form: each move is a press of a button that sends the whole form again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vigil.web.forms.settings_form import Sent

UP, DOWN, REMOVE, ADD = "up", "down", "remove", "add"
#: Marks that a row is there, also one without any other field.
_THERE = "row"


def rows_of(sent: Sent, name: str, most: int) -> list[dict[str, str]]:
    """Rows of a part in order, by the names of their fields; at most `most`."""
    found = []
    for number in range(most):
        prefix = f"{name}.{number}."
        if prefix + _THERE in sent:
            found.append({key.removeprefix(prefix): text for key, text in sent.items() if key.startswith(prefix)})
    return found


def with_rows(sent: Sent, name: str, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """A form whose part holds these rows alone."""
    others = {key: text for key, text in sent.items() if not key.startswith(f"{name}.")}
    for number, row in enumerate(rows):
        prefix = f"{name}.{number}."
        others |= {prefix + key: text for key, text in row.items()} | {prefix + _THERE: "1"}
    return others


def rearranged(sent: Sent, wish: str, repeats: Mapping[str, int]) -> tuple[dict[str, str], str] | None:
    """The form after a button such as `steps.up.2`, and the button that gets the focus; None for another button.

    `steps.add` adds an empty row, `turns.add.per_x` one that holds it; without it the choice `add.turns` says what.
    """
    name, _, rest = wish.partition(".")
    act, _, what = rest.partition(".")
    if name not in repeats or act not in (UP, DOWN, REMOVE, ADD):
        return None
    rows = rows_of(sent, name, repeats[name])
    if act == ADD:
        what = what or sent.get(f"{ADD}.{name}", "")
        if len(rows) < repeats[name]:
            rows.append({"is": what})
        return with_rows(sent, name, rows), f"{name}.{REMOVE}.{len(rows) - 1}"
    place = int(what) if what.isascii() and what.isdigit() and len(what) < 5 else len(rows)
    if place >= len(rows):
        return dict(sent), ""
    if act == REMOVE:
        del rows[place]
        focus = f"{name}.{REMOVE}.{min(place, len(rows) - 1)}" if rows else f"{name}.{ADD}"
        return with_rows(sent, name, rows), focus
    to = max(0, min(len(rows) - 1, place + (-1 if act == UP else 1)))
    rows.insert(to, rows.pop(place))
    # At an end the button is gone: the focus goes to its opposite.
    act = DOWN if to == 0 else UP if to == len(rows) - 1 else act
    return with_rows(sent, name, rows), f"{name}.{act}.{to}"
