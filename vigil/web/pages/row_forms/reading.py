"""Texts of row forms as values of the write paths. Each problem is told at the field that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.http import QueryDict

from vigil.clock import is_storable, is_zone
from vigil.code.core.durations import HOW, milliseconds
from vigil.web.forms.settings_form import Sent

Problems = dict[str, list[str]]
T = TypeVar("T")
RowT = TypeVar("RowT", bound=Model)
MomentT = TypeVar("MomentT", bound=date)
#: Longest text of one field. How many fields a form may have is in the settings.
TEXT_MOST = 50_000


def sent_texts(form: QueryDict) -> dict[str, str]:
    """A sent form; several values of one name are lines."""
    return {name: "\n".join(str(one) for one in form.getlist(name))[:TEXT_MOST] for name in form}


def lines(sent: Sent, name: str) -> list[str]:
    """Values of boxes, in order and once each."""
    return list(dict.fromkeys(line.strip() for line in sent.get(name, "").splitlines() if line.strip()))


def words(sent: Sent, name: str) -> list[str]:
    """Words between commas."""
    return [word.strip() for word in sent.get(name, "").split(",") if word.strip()]


def text(sent: Sent, name: str) -> str:
    """One line without spaces around it."""
    return sent.get(name, "").strip()


def whole(sent: Sent, name: str, problems: Problems, most_digits: int = 6) -> int:
    """A whole number."""
    given = text(sent, name)
    if given.isascii() and given.isdigit() and len(given) <= most_digits:
        return int(given)
    problems.setdefault(name, []).append("A whole number, such as 7.")
    return 0


def seconds(sent: Sent, name: str, problems: Problems) -> int | None:
    """A duration such as 5m, in seconds; None for no text."""
    given = text(sent, name).replace(" ", "")
    if not given:
        return None
    ms = milliseconds(given)
    if ms is None or ms % 1000 or ms > 10**11:
        problems.setdefault(name, []).append(f"{HOW[:1].upper()}{HOW[1:]}.")
        return None
    return ms // 1000


def day(sent: Sent, name: str, problems: Problems) -> date | None:
    """A date; None for no text."""
    return _parsed(sent, name, problems, lambda given: _within(date.fromisoformat(given)), "A day, such as 2027-01-31.")


def clock_time(sent: Sent, name: str, problems: Problems) -> time | None:
    """A time of day; None for no text."""
    return _parsed(sent, name, problems, _time, "A time of day, such as 09:00.")


def moment_in(sent: Sent, name: str, zone: str, problems: Problems) -> datetime | None:
    """A moment that is written by the clock of a zone, in UTC; None for no text."""
    here = ZoneInfo(zone) if is_zone(zone) else UTC
    return _parsed(
        sent, name, problems, lambda given: _moment(given, here), "A day and a time, such as 2027-01-31T09:00."
    )


def moment_text(at: datetime | None, zone: str) -> str:
    """A moment as the field of a date and a time holds it."""
    return at.astimezone(ZoneInfo(zone) if is_zone(zone) else UTC).strftime("%Y-%m-%dT%H:%M") if at else ""


def chosen(rows: QuerySet[RowT], ids: Iterable[str], name: str, problems: Problems) -> list[RowT]:
    """Rows by their public ids, in the order given, with repeats. One that is gone is a problem."""
    wanted = [one[:40] for one in ids]
    found: dict[str, RowT] = {str(getattr(row, "public_id", "")): row for row in rows.filter(public_id__in=set(wanted))}
    if any(one not in found for one in wanted):
        problems.setdefault(name, []).append("One of them is gone. Choose again.")
    return [found[one] for one in wanted if one in found]


def ids_of(rows: Iterable[Any]) -> str:
    """Public ids as lines."""
    return "\n".join(row.public_id for row in rows)


def listed(names: Sequence[str], none: str, most: int = 5) -> str:
    """`a, b and c`; of many the first and the number of the others."""
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or none


def _parsed(sent: Sent, name: str, problems: Problems, parse: Callable[[str], T], how: str) -> T | None:
    given = text(sent, name)
    if not given:
        return None
    try:
        return parse(given)
    except (ValueError, OverflowError):
        problems.setdefault(name, []).append(how)
        return None


def _time(given: str) -> time:
    return time.fromisoformat(given).replace(tzinfo=None, second=0, microsecond=0)


def _moment(given: str, zone: Any) -> datetime:
    at = datetime.fromisoformat(given)
    return _within((at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC))


def _within(moment: MomentT) -> MomentT:
    if not is_storable(moment):
        raise ValueError
    return moment
