"""Plans API: what a document would change, and its application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.authentication import signed_name
from vigil.api.base.parsers import PackedJSONParser
from vigil.api.base.permissions import is_staff, team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.views import ApiView, Resources
from vigil.api.openapi.shapes import ANY_VALUE, DOCUMENT
from vigil.code.apply import PlanMoved, apply_plan
from vigil.code.core.references import REFERENCES_MOST
from vigil.code.core.tree import DocumentError, TextPlace, tree_of
from vigil.code.models import ConfigurationPlan
from vigil.code.ownership import adopt, adopt_everything
from vigil.code.plans import COMMIT_MOST, PlanOrder, make_plan, plan_shown
from vigil.problems.codes import ProblemCode


class ConfigurationMoved(APIException):
    """The configuration has changed since a plan was made."""

    status_code = status.HTTP_409_CONFLICT
    default_code = ProblemCode.CONFLICT.value


@extend_schema_field(DOCUMENT)
class DocumentField(serializers.JSONField):
    """A document, as `vigil.yaml` holds it, in JSON."""


@extend_schema_field(ANY_VALUE)
class ValueField(serializers.JSONField):
    """What a field of any object holds."""


class PlanOrderSerializer(ApiSerializer[Any]):
    document = DocumentField(help_text="What vigil.yaml holds, as JSON; its schema is at `/api/v1/schema.json`.")
    values = serializers.DictField(
        child=serializers.CharField(max_length=65_536, trim_whitespace=False), required=False, write_only=True,
        help_text="Values of its references, such as `env:NAME`. They are sealed, and never shown.",
    )  # fmt: skip
    places = serializers.DictField(
        child=serializers.CharField(max_length=520), required=False,
        help_text="Where objects are written, such as `monitors.api`: `vigil.yaml:12`.",
    )  # fmt: skip
    prune = serializers.BooleanField(default=False, help_text="Delete what this project owns and does not name.")
    commit = serializers.CharField(max_length=COMMIT_MOST, required=False, allow_blank=True, default="")

    def validate_values(self, values: dict[str, str]) -> dict[str, str]:
        if len(values) > REFERENCES_MOST:
            raise serializers.ValidationError(f"At most {REFERENCES_MOST}.")
        return values


class FieldChangeSerializer(ApiSerializer[Any]):
    name = serializers.CharField()
    old = ValueField()
    new = ValueField()


class ChangeSerializer(ApiSerializer[Any]):
    action = serializers.ChoiceField(choices=["create", "update", "move", "delete", "keep"])
    section = serializers.CharField()
    key = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    fields_ = FieldChangeSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        # `fields` is an attribute of serializers.
        found = super().get_fields()
        return {**{name: each for name, each in found.items() if name != "fields_"}, "fields": found["fields_"]}


class PlanSerializer(ApiSerializer[Any]):
    id = serializers.CharField()
    project = serializers.CharField()
    revision = serializers.CharField(help_text="Of the configuration that it was made against.")
    prune = serializers.BooleanField()
    changes = ChangeSerializer(many=True, help_text="`keep`: no longer in the document, and not deleted.")
    paging = serializers.ListField(child=serializers.CharField(), help_text="What changes for alerts, in words.")
    warnings = serializers.ListField(child=serializers.CharField())
    commit = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    applied_by = serializers.CharField(allow_blank=True)
    applied_at = serializers.DateTimeField(allow_null=True)


class PlanViewSet(Resources, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ConfigurationPlan]):
    """Plans of monitors as code: made against a revision of the configuration, and applied once."""

    serializer_class = PlanSerializer
    parser_classes = [PackedJSONParser]
    lookup_field = "public_id"
    lookup_value_regex = r"pln_[0-9a-z]{1,20}"
    queryset = ConfigurationPlan.objects.none()

    def get_queryset(self) -> QuerySet[ConfigurationPlan]:
        return ConfigurationPlan.objects.filter(team=team_of(self.request))

    @extend_schema(responses=PlanSerializer)
    def retrieve(self, request: Request, *args: Any, **named: Any) -> Response:
        """A plan, and whether it was applied."""
        return Response(self.get_serializer(plan_shown(self.get_object())).data)

    @extend_schema(request=PlanOrderSerializer, responses={201: PlanSerializer})
    def create(self, request: Request) -> Response:
        """Compare a document with the configuration. Nothing changes until the plan is applied.

        A body over 1 MiB is sent with `Content-Encoding: gzip`; it has at most 8 MiB unpacked.
        """
        asked = PlanOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted, team = asked.validated_data, team_of(request)
        assert team is not None  # The permission has seen to it.
        tree = tree_of(wanted["document"])
        for path, written in wanted.get("places", {}).items():
            section, _, key = path.partition(".")
            node = tree.members.get(section)
            file, _, line = written.rpartition(":")
            if node is not None and key in node.members and line.isascii() and line.isdigit() and len(line) < 9:
                node.members[key].place = TextPlace(file, int(line))
        order = PlanOrder(
            tree, wanted.get("values", {}), signed_name(request), wanted["commit"], wanted["prune"],
            is_staff(request),
        )  # fmt: skip
        with problems_as_400():
            made = make_plan(team, order)
        return Response(PlanSerializer(plan_shown(made)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=PlanSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, public_id: str) -> Response:
        """Apply it, all or nothing; 409 if the configuration has changed since. Applied before: nothing happens."""
        row = self.get_object()
        with problems_as_400():
            try:
                done = apply_plan(row.team, row.public_id, signed_name(request))
            except PlanMoved as moved:
                raise ConfigurationMoved(str(moved)) from None
        return Response(PlanSerializer(plan_shown(done.plan)).data)


class AdoptionSerializer(ApiSerializer[Any]):
    """An object that a project takes over as it is."""

    project = serializers.CharField(max_length=100, default="default")
    section = serializers.CharField(max_length=20)
    key = serializers.CharField(max_length=100)
    id = serializers.CharField(max_length=60)


class AdoptionView(ApiView):
    """Adoption of objects that were not made from a document."""

    @extend_schema(request=AdoptionSerializer, responses={201: AdoptionSerializer})
    def post(self, request: Request) -> Response:
        """Let a key of a project stand for an object that is there: it is not made again."""
        asked = AdoptionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        team = team_of(request)
        assert team is not None  # The permission has seen to it.
        wanted = asked.validated_data
        with problems_as_400():
            adopt(team, wanted["project"], (wanted["section"], wanted["key"]), wanted["id"])
        return Response(wanted, status=status.HTTP_201_CREATED)


class AllAdoptedSerializer(ApiSerializer[Any]):
    """What a project took over."""

    project = serializers.CharField(max_length=100, default="default")
    adopted = AdoptionSerializer(many=True, read_only=True)


class AllAdoptedView(ApiView):
    """Adoption of everything that no project owns."""

    @extend_schema(request=AllAdoptedSerializer, responses={201: AllAdoptedSerializer})
    def post(self, request: Request) -> Response:
        """Let a project take over all that no project owns.

        The keys are those of an export of everything. Regions stay: a document takes one over by naming it.
        """
        asked = AllAdoptedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        team = team_of(request)
        assert team is not None  # The permission has seen to it.
        project = asked.validated_data["project"]
        with problems_as_400():
            rows = adopt_everything(team, project)
        adopted = [{"project": project, "section": row.section, "key": row.key, "id": row.public_id} for row in rows]
        return Response({"project": project, "adopted": adopted}, status=status.HTTP_201_CREATED)


@contextmanager
def problems_as_400() -> Iterator[None]:
    """Within it, the problems of a document become a 400 with the path of each."""
    try:
        yield
    except DocumentError as refused:
        found: dict[str, list[str]] = {}
        for one in refused.problems:
            found.setdefault(one.path or "document", []).append(one.words)
        raise serializers.ValidationError(found) from None
