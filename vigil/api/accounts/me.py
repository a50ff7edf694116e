"""Account API: who the caller is, and the teams and members that it may see."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.models import ApiToken, Membership, Role, Scope, Team, User
from vigil.accounts.tokens import TOKENS_MOST
from vigil.api.accounts.tokens import TokenSerializer
from vigil.api.base.pagination import PageByCursor
from vigil.api.base.permissions import AnyScope, is_staff, rights, role_of, team_of
from vigil.api.base.rate_limits import LIMIT, WINDOW_S
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.api.base.views import ApiView, Resources
from vigil.dispatch.trial_limits import TrialLane


class TeamRowSerializer(ApiModelSerializer[Team]):
    """A team."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Team
        fields = ("id", "name", "slug")


class LimitsSerializer(ApiSerializer[Any]):
    """What the caller may ask for."""

    requests = serializers.CharField(help_text="Requests of one caller, such as 3000/60s.")
    trials_a_minute = serializers.IntegerField(help_text="Of the team.")
    page = serializers.IntegerField(help_text="Rows of a page.")
    tokens = serializers.IntegerField(help_text="Of the team.")


class MeSerializer(ApiSerializer[Any]):
    """The caller: a person, or a token; its team, and what it may do there."""

    name = serializers.CharField(help_text="The person's name, or that of a team's token.")
    team = TeamRowSerializer()
    role = serializers.ChoiceField(choices=Role.choices, allow_null=True, help_text="Null for a team's token.")
    staff = serializers.BooleanField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    token = TokenSerializer(allow_null=True, help_text="Null for a person who is signed in.")
    limits = LimitsSerializer()


class MeView(ApiView):
    """Who the caller is."""

    permission_classes = [AnyScope]

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The caller's name, team, role, scopes and limits. Every token may ask, whatever its scopes."""
        token = request.auth if isinstance(request.auth, ApiToken) else None
        shown = {
            "name": request.user.get_username(),
            "team": TeamRowSerializer(team_of(request)).data,
            "role": role_of(request),
            "staff": is_staff(request),
            "scopes": sorted(rights(request)),
            "token": TokenSerializer(token).data if token else None,
            "limits": {
                "requests": f"{LIMIT}/{WINDOW_S}s",
                "trials_a_minute": TrialLane.BY_HAND.most,
                "page": PageByCursor.max_page_size,
                "tokens": TOKENS_MOST,
            },
        }
        return Response(shown)


class TeamRowsViewSet(Resources, mixins.ListModelMixin, viewsets.GenericViewSet[Team]):
    """Teams of the caller: a token's own, or every team of a person. A person acts for the oldest."""

    serializer_class = TeamRowSerializer
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        if getattr(self, "swagger_fake_view", False):
            return Team.objects.none()
        user, team = self.request.user, team_of(self.request)
        if team is None:
            return Team.objects.none()
        if isinstance(user, User) and not isinstance(self.request.auth, ApiToken):
            return Team.objects.filter(memberships__user=user)
        return Team.objects.filter(pk=team.pk)


class TeamMemberSerializer(ApiModelSerializer[Membership]):
    """A person in the team."""

    name = serializers.CharField(source="user.username", read_only=True)
    active = serializers.BooleanField(source="user.is_active", read_only=True)

    class Meta:
        model = Membership
        fields = ("name", "active", "role")


class MemberViewSet(Resources, mixins.ListModelMixin, viewsets.GenericViewSet[Membership]):
    """People of the team with their roles."""

    serializer_class = TeamMemberSerializer
    filterset_fields = ("role",)
    sorts = MappingProxyType({"name": "user__username"})
    queryset = Membership.objects.none()

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return Membership.objects.filter(team=team_of(self.request)).select_related("user")
