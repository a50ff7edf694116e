"""Telling of retirements: each stage of each model in use, once, with what was told remembered in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.db import transaction

from probes.process.isolation import Each, plainly
from vigil.accounts.models import Team
from vigil.model_watch.core.retirement import KnownDate, Telling, ToTell, decide, in_words, title_of
from vigil.model_watch.core.table import RetirementTable
from vigil.model_watch.core.used_models import NamedModel, provider_name
from vigil.model_watch.models import DatedModel
from vigil.model_watch.uses import UsedModel, used_models
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.notices.tell import MOST, EnqueueNotices, tell

#: Notices of one model in a day, where its day moves or is withdrawn.
A_DAY_MOST = 2
_CHANGES = frozenset({Telling.MOVED, Telling.WITHDRAWN})
_DAY = timedelta(days=1)


def tell_retirements(
    table: RetirementTable,
    now: datetime,
    enqueue: EnqueueNotices,
    each: Each = plainly,
    held: Collection[str] = (),
) -> int:
    """Tell what is due of every team's models; returns how many notices were told. `held` are in quarantine."""
    teams, at = Team.objects.order_by("pk"), now.astimezone(UTC)
    return sum(each("retirements", teams, lambda team: _tell_of(team, (table, held), at, enqueue), 0))


def _tell_of(team: Team, by: tuple[RetirementTable, Collection[str]], now: datetime, enqueue: EnqueueNotices) -> int:
    with transaction.atomic():
        # One process at a time decides about a team.
        rows = DatedModel.objects.select_for_update().filter(team=team)
        stored = {NamedModel(row.provider, row.model): row for row in rows}
        used = {one.named: one for one in used_models(team.pk, *by)}
        notices: list[Notice] = []
        for named in sorted(used.keys() | stored.keys()):
            one, row = used.get(named), stored.get(named)
            if one is None:
                # Nobody uses it any more: nothing is to be told of it.
                row and row.delete()
                continue
            known, told = decide(one.retires, _known(row), now)
            if told is not None:
                notice = _notice(team, one, told, now)
                if len(notices) == MOST or (told.telling in _CHANGES and _is_restless(notice, named, now)):
                    # It is decided anew in the next turn.
                    continue
                notices.append(notice)
            _store(team, named, row, known)
        return len(tell(notices, enqueue))


def _is_restless(notice: Notice, named: NamedModel, now: datetime) -> bool:
    """Whether the model was told of so often within a day that its list names another day each time."""
    told = StoredNotice.objects.filter(
        team=notice.team, kind=notice.kind, key__startswith=f"{named.provider}/{named.model}/", at__gt=now - _DAY
    )
    return told.count() >= A_DAY_MOST


def _known(row: DatedModel | None) -> KnownDate | None:
    return KnownDate(row.day, row.stage, row.absent_since) if row else None


def _store(team: Team, named: NamedModel, row: DatedModel | None, known: KnownDate | None) -> None:
    if known == _known(row):
        return
    if known is None:
        DatedModel.objects.filter(team=team, provider=named.provider, model=named.model).delete()
        return
    DatedModel.objects.update_or_create(
        team=team,
        provider=named.provider,
        model=named.model,
        defaults={"day": known.day, "stage": known.stage, "absent_since": known.absent_since},
    )


def _notice(team: Team, used: UsedModel, told: ToTell, now: datetime) -> Notice:
    monitors = [place.monitor for place in used.places if place.monitor is not None]
    return Notice(
        team=team.pk,
        kind=NoticeKind.RETIREMENT,
        key=f"{used.named.provider}/{used.named.model}/{told.key}"[-200:],
        title=title_of(used.named.model, provider_name(used.named.provider), told, now.date()),
        at=now,
        monitor=next(iter(monitors), None),
        others=tuple(monitors[1:]),
        before=f"retires on {told.before}" if told.before else "",
        after=in_words(used.retires, used.used_by),
    )
