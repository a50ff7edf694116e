"""Bulk API: many monitors created, paused, tagged, silenced or deleted in one request, all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.models import Team
from vigil.api.alerts.silences import SilenceSerializer
from vigil.api.base.errors import InUse
from vigil.api.base.filtering import KnownFiltersOnly
from vigil.api.base.permissions import team_of
from vigil.api.base.views import ApiView
from vigil.api.bulk_serializers import MANAGED_NAMED, MAX_CHOSEN, BulkAnswerSerializer, BulkOperation, BulkSerializer
from vigil.api.code.managed import warning_header
from vigil.api.monitors.monitors import MonitorSerializer, MonitorViewSet
from vigil.code.ownership import managed_rows_in_words
from vigil.heartbeats.changes import delete_heartbeat, lock_heartbeats
from vigil.heartbeats.changes import set_paused as set_heartbeat_paused
from vigil.heartbeats.models import Heartbeat
from vigil.monitors import bulk
from vigil.monitors.changes import delete_monitors
from vigil.monitors.live.version import touch
from vigil.monitors.models import DerivedKind, Monitor
from vigil.monitors.presets import by_what_was_given
from vigil.problems.codes import FieldCode
from vigil.problems.nearest import nearest
from vigil.read_models.users import users_of_monitors
from vigil.silences.changes import MAX_MONITORS, create_silence
from vigil.silences.models import Silence

#: What was given for the preset of an item; None without one.
Given = Mapping[str, Any] | None


class BulkView(ApiView):
    """Many monitors in one request."""

    may_warn = True

    def writes_in_one_transaction(self, request: HttpRequest) -> bool:
        return True

    @extend_schema(request=BulkSerializer, responses={200: BulkAnswerSerializer, 409: None})
    def post(self, request: Request) -> Response:
        """Create, pause, resume, tag, untag, silence or delete many monitors: all of them, or none with the errors.

        Errors name the item: `items.3.name`. At most 1,000 are created and 10,000 changed at once. `warnings`, and the
        header, name those that a document keeps: what was changed of them is drift.
        """
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted, team = asked.validated_data, team_of(request)
        assert team is not None  # The permission has seen to it.
        if wanted["action"] == BulkOperation.CREATE:
            made = _create(team, wanted["items"])
            return Response(
                {"count": len(made), "ids": [monitor.public_id for monitor in made], "silence": None, "warnings": []}
            )
        chosen = _chosen(self, team, wanted)
        touch(team.pk)
        action = BulkOperation(wanted["action"])
        # A silence is an object of its own: it changes nothing of what it covers.
        warnings = [] if action is BulkOperation.SILENCE else managed_rows_in_words(chosen, MANAGED_NAMED)
        answer = {"silence": None, **_ACTIONS[action](request, chosen, wanted), "warnings": warnings}
        headers = {"Warning": warning_header(" ".join(warnings))} if warnings else {}
        return Response({**answer, "ids": [monitor.public_id for monitor in chosen]}, headers=headers)


def _create(team: Team, items: Sequence[Mapping[str, Any]]) -> list[Monitor]:
    serializer = MonitorSerializer(data=items, many=True, context={"team": team})
    if not serializer.is_valid():
        raise serializers.ValidationError({"items": dict(_by_index(serializer.errors))})
    child: Any = serializer.child  # type: ignore[attr-defined]
    settable = [_settable(child, place, item) for place, item in enumerate(serializer.validated_data)]
    try:
        return bulk.create_monitors(team, [fields for fields, _, _ in settable], [needed for _, needed, _ in settable])
    except ValidationError as refused:
        raise _by_what_was_given(refused, [given for _, _, given in settable]) from None


def _by_index(errors: Any) -> Iterator[tuple[str, Any]]:
    """Errors of items by their index, whether the framework gives them as a list or by index."""
    pairs = errors.items() if isinstance(errors, Mapping) else enumerate(errors)
    return ((str(place), one) for place, one in pairs if one)


def _settable(child: Any, place: int, item: Mapping[str, Any]) -> tuple[dict[str, Any], list[Monitor], Given]:
    """The fields of a new monitor, its parents, and what was given for its preset."""
    child.given = None
    try:
        fields, needed = child.settable(item)
    except ValidationError as refused:
        raise ValidationError({f"items.{place}.{name}": each for name, each in refused.error_dict.items()}) from None
    return fields, needed, child.given


def _by_what_was_given(refused: ValidationError, given: Sequence[Given]) -> ValidationError:
    """The error of items, each of a preset by what was given for it, as the error of one monitor is."""
    of_items: dict[str, dict[str, Any]] = {}
    for path, errors in refused.error_dict.items():
        _, place, field = path.split(".", 2)
        of_items.setdefault(place, {})[field] = errors
    found: dict[str, Any] = {}
    for place, problems in of_items.items():
        of_preset = given[int(place)]
        told = problems if of_preset is None else by_what_was_given(ValidationError(problems), of_preset).error_dict
        found |= {f"items.{place}.{field}": errors for field, errors in told.items()}
    return ValidationError(found)


def _chosen(view: Any, team: Team, wanted: Mapping[str, Any]) -> list[Monitor]:
    """The locked monitors that a request names, in the order of their ids or keys."""
    rows: QuerySet[Monitor] = Monitor.objects.filter(team=team, deleted_at=None)
    if "ids" in wanted:
        ids = list(dict.fromkeys(wanted["ids"]))
        lock_heartbeats(Heartbeat.objects.filter(team=team, monitor__public_id__in=ids))
        found = {row.public_id: row for row in _locked(rows.filter(public_id__in=ids))}
        missing = [place for place, name in enumerate(ids) if name not in found]
        if missing:
            words = ErrorDetail("There is no such monitor.", FieldCode.NO_SUCH_ROW.value)
            raise serializers.ValidationError({"ids": {str(place): [words] for place in missing}})
        return [found[name] for name in ids]
    # Found first, and locked by their keys: as one statement it is a join of the table with itself, whose plan is one
    # scan for each row where statistics are older than the rows.
    found_keys = _filtered(view, rows, wanted["filter"]).order_by("pk").values_list("pk", flat=True)
    keys = list(found_keys[: MAX_CHOSEN + 1])
    if len(keys) > MAX_CHOSEN:
        raise serializers.ValidationError({"filter": [f"It finds more than {MAX_CHOSEN} monitors: narrow it."]})
    lock_heartbeats(Heartbeat.objects.filter(team=team, monitor__in=keys))
    return list(_locked(rows.filter(pk__in=keys)))


def _locked(rows: QuerySet[Monitor]) -> QuerySet[Monitor]:
    # In one order, so that two requests never wait for each other.
    return rows.select_for_update(of=("self",), no_key=True).order_by("pk")


def _filtered(view: Any, rows: QuerySet[Monitor], given: Mapping[str, Any]) -> QuerySet[Monitor]:
    filters = KnownFiltersOnly().get_filterset_class(MonitorViewSet(), rows)
    assert filters is not None
    query = QueryDict(mutable=True)
    for name, value in given.items():
        if name not in filters.base_filters:
            reason = f"There is no such filter. {nearest(name, filters.base_filters)}".strip()
            words = ErrorDetail(reason, FieldCode.UNKNOWN_PARAMETER.value)
            raise serializers.ValidationError({"filter": {name[:100]: [words]}})
        # A list without values, too, would be no filter.
        query.setlist(name, [_word(name, each) for each in (value if isinstance(value, list) and value else [value])])
    found = filters(data=query, queryset=rows, request=view.request)
    if not found.is_valid():
        raise serializers.ValidationError({"filter": dict(found.errors)})
    try:
        narrowed: QuerySet[Monitor] = found.qs
    except serializers.ValidationError as refused:
        raise serializers.ValidationError({"filter": refused.detail}) from None
    return narrowed


def _word(name: str, value: Any) -> str:
    """A value as a query has it. An empty one would be no filter: the change would meet every monitor."""
    if not isinstance(value, str | int) or value == "":
        raise serializers.ValidationError({"filter": {name[:100]: ["A text, a number, true or false is needed here."]}})
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pause(request: Request, chosen: Sequence[Monitor], wanted: Mapping[str, Any]) -> dict[str, Any]:
    paused = wanted["action"] == BulkOperation.PAUSE
    heartbeats = [row for row in _heartbeats(chosen) if row.monitor.paused is not paused]
    for row in heartbeats:
        set_heartbeat_paused(row, paused)
    others = [monitor for monitor in chosen if monitor.kind != DerivedKind.HEARTBEAT]
    return {"count": len(heartbeats) + bulk.pause_monitors(others, paused)}


def _retag(request: Request, chosen: Sequence[Monitor], wanted: Mapping[str, Any]) -> dict[str, Any]:
    tags = wanted["tags"]
    adds = wanted["action"] == BulkOperation.TAG
    return {"count": bulk.retag_monitors(chosen, tags if adds else (), () if adds else tags)}


def _silence(request: Request, chosen: Sequence[Monitor], wanted: Mapping[str, Any]) -> dict[str, Any]:
    if len(chosen) > MAX_MONITORS:
        raise serializers.ValidationError({"ids": [f"A silence names at most {MAX_MONITORS}; a tag covers more."]})
    team = team_of(request)
    asked = SilenceSerializer(data=wanted["silence"], context={"team": team, "request": request})
    if not asked.is_valid():
        raise serializers.ValidationError({"silence": asked.errors})
    fields = {name: value for name, value in asked.validated_data.items() if name != "monitors"}
    silence = Silence(team=team, created_by=request.user.get_username()[:120])
    made = create_silence(silence, fields, chosen)
    return {"count": len(chosen), "silence": made.public_id}


def _delete(request: Request, chosen: Sequence[Monitor], wanted: Mapping[str, Any]) -> dict[str, Any]:
    users = [] if wanted["force"] else users_of_monitors(chosen)
    if users:
        raise InUse(f"They are used by {', '.join(users)}. Change them first, or delete them with `force`.")
    heartbeats = _heartbeats(chosen)
    for row in heartbeats:
        delete_heartbeat(row)
    return {"count": len(heartbeats) + delete_monitors(Monitor.objects.filter(pk__in=[one.pk for one in chosen]))}


def _heartbeats(chosen: Sequence[Monitor]) -> list[Heartbeat]:
    named = [monitor.pk for monitor in chosen if monitor.kind == DerivedKind.HEARTBEAT]
    return list(Heartbeat.objects.filter(pk__in=named).select_related("monitor")) if named else []


_ACTIONS: dict[BulkOperation, Callable[[Request, Sequence[Monitor], Mapping[str, Any]], dict[str, Any]]] = {
    BulkOperation.PAUSE: _pause,
    BulkOperation.RESUME: _pause,
    BulkOperation.TAG: _retag,
    BulkOperation.UNTAG: _retag,
    BulkOperation.SILENCE: _silence,
    BulkOperation.DELETE: _delete,
}
