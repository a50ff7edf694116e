"""Team scoping of the API: rows of other teams are never visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import QuerySet
from rest_framework import serializers, viewsets
from rest_framework.relations import MANY_RELATION_KWARGS

from vigil.accounts.models import Team
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiModelSerializer
from vigil.api.base.writes import LockedWrites

#: The longest id.
ID_LENGTH = 40
RowT = TypeVar("RowT", bound=models.Model)


class InTeam(serializers.SlugRelatedField[Any]):
    """Rows of the team, by their public ids."""

    def __init__(self, model: type[models.Model], **options: Any) -> None:
        self._model = model
        super().__init__(slug_field="public_id", queryset=model.objects.none(), **options)  # type: ignore[attr-defined]

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self._model.objects.filter(team=self.context.get("team"))  # type: ignore[attr-defined]
        return rows.filter(deleted_at=None) if hasattr(self._model, "deleted_at") else rows

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) > ID_LENGTH:
            self.fail("invalid")
        try:
            return self.get_queryset().get(public_id=data)
        except ObjectDoesNotExist:
            self.fail("does_not_exist", slug_name="id", value=data)

    @classmethod
    def many_init(cls, *args: Any, **options: Any) -> ManyInTeam:
        most = options.pop("most")
        of_list = {name: options[name] for name in MANY_RELATION_KWARGS if name in options}
        return ManyInTeam(most=most, child_relation=cls(*args, **options), **of_list)

    # DRF clones a slug field for each serializer; the clone gets the same arguments.
    def __deepcopy__(self, memo: dict[int, Any]) -> InTeam:
        options = {name: value for name, value in self._kwargs.items() if name != "model"}  # type: ignore[attr-defined]
        return type(self)(self._model, **options)


class ManyInTeam(serializers.ManyRelatedField):
    """A bounded list of rows of the team, read in one query."""

    def __init__(self, *, most: int, **options: Any) -> None:
        self.most = most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > self.most:
            raise serializers.ValidationError([f"At most {self.most}."])
        one: Any = self.child_relation
        if not all(isinstance(each, str) and len(each) <= ID_LENGTH for each in data):
            one.fail("invalid")
        found = {row.public_id: row for row in one.get_queryset().filter(public_id__in=data)} if data else {}
        missing = next((each for each in data if each not in found), None)
        if missing is not None:
            one.fail("does_not_exist", slug_name="id", value=missing)
        return [found[each] for each in data]


class TeamSerializer(ApiModelSerializer[RowT]):
    """Writes through `save_row`, the model's write path, whose errors become responses by field."""

    save_row: Callable[[Any, Mapping[str, Any]], Any]

    def create(self, validated_data: Mapping[str, Any]) -> RowT:
        model: Any = self.Meta.model
        return self._save(model(team=self.context["team"]), validated_data)

    def update(self, instance: RowT, validated_data: Mapping[str, Any]) -> RowT:
        return self._save(instance, validated_data)

    def _save(self, row: Any, wanted: Mapping[str, Any]) -> RowT:
        saved: RowT = type(self).save_row(row, wanted)
        return saved


class TeamViewSet(LockedWrites, viewsets.ModelViewSet[RowT]):
    """All operations on a team's rows; `model` names them."""

    model: type[models.Model]
    lookup_field = "public_id"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model.objects.all()  # type: ignore[attr-defined]
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(team=team_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        return context if getattr(self, "swagger_fake_view", False) else {**context, "team": team_of(self.request)}

    @property
    def team(self) -> Team:
        team = team_of(self.request)
        assert team is not None  # The permission has seen to it.
        return team
