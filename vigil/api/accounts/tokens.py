"""Tokens API: issue, list, rotate and revoke. A token is shown once, when it is issued."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.models import ApiToken, Role, Scope, User
from vigil.accounts.token_changes import LIFE_MOST_DAYS, OVERLAP_MOST_S, TokenIssuer, issue, revoke, rotate
from vigil.accounts.tokens import LIFETIME, AlreadyRotated
from vigil.api.base.errors import Superseded
from vigil.api.base.permissions import rights, role_of, team_of
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.api.base.views import ReadOnlyViewSet
from vigil.clock import database_wall_now


class TokenSerializer(ApiModelSerializer[ApiToken]):
    """A token without its secret; `token` is how it begins."""

    id = serializers.CharField(source="public_id", read_only=True)
    token = serializers.SerializerMethodField()
    person = serializers.CharField(
        source="user.username", read_only=True, default="", help_text="Empty for one of a team."
    )
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), read_only=True)

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id", "name", "token", "person", "scopes", "expires_at", "last_used_at", "created_at",
        )  # fmt: skip
        read_only_fields = ("name", "expires_at", "last_used_at", "created_at")

    def get_token(self, token: ApiToken) -> str:
        return f"vgl_{token.prefix}"


class IssuedTokenSerializer(TokenSerializer):
    """A token that was just issued; `secret` is the whole of it, and is shown only now."""

    secret = serializers.CharField(read_only=True)
    replaces = serializers.CharField(read_only=True, help_text="The token that ends after the overlap; else empty.")

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "secret", "replaces")


class TokenRequestSerializer(ApiSerializer[Any]):
    """A new token. It has no rights that the caller lacks, and does not outlive the token that issued it."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=len(Scope), default=["read"]
    )
    days = serializers.IntegerField(
        min_value=1,
        max_value=LIFE_MOST_DAYS,
        required=False,
        help_text=f"How long it lives. By default {LIFETIME.days}, or as long as the token that issues it.",
    )

    def validate_name(self, name: str) -> str:
        if not name.isprintable():
            raise serializers.ValidationError(["A name has printable characters only."])
        return name


class RotationRequestSerializer(ApiSerializer[Any]):
    """How long the old token goes on."""

    overlap_s = serializers.IntegerField(min_value=0, max_value=OVERLAP_MOST_S, default=3_600)


class TokenViewSet(ReadOnlyViewSet):
    """Keys of programs. A person issues them, or a token of a person with the scope `write`; a team's token does not.

    A token of a person ends with their membership, and acts within their role. Owners see and revoke every token of the
    team, others their own.
    """

    serializer_class = TokenSerializer
    lookup_field = "public_id"
    lookup_value_regex = r"tok_[0-9a-z]{1,20}"
    http_method_names = ["get", "post", "delete", "head", "options"]
    filterset_fields = ("name",)
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        found = ApiToken.objects.filter(team=team_of(self.request)).select_related("user", "team")
        if role_of(self.request) == Role.OWNER:
            return found
        return found.filter(user=self.request.user) if isinstance(self.request.user, User) else self._itself(found)

    def keeps_preconditions(self) -> bool:
        return self.action == "destroy"

    @extend_schema(request=TokenRequestSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Issue a token for oneself. Its `secret` is in this answer and nowhere else."""
        issuer = self._issuer(request)
        asked = TokenRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        made = issue(issuer, wanted["name"], wanted["scopes"], wanted.get("days"), database_wall_now())
        return self._issued(*made)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Revoke it. It stops working at once."""
        person = self._person(request)
        token = self.get_object()
        self.check_if_match(token)
        revoke(person, token)
        return Response(status=204)

    @extend_schema(request=RotationRequestSerializer, responses={201: IssuedTokenSerializer, 409: None})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, public_id: str) -> Response:
        """Issue a successor with the same rights; the old token ends after the overlap, which is an hour by default.

        A token has one successor: another rotation of it is refused with 409, until that one is revoked.
        """
        issuer = self._issuer(request)
        asked = RotationRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        overlap = timedelta(seconds=asked.validated_data["overlap_s"])
        try:
            made = rotate(issuer, self.get_queryset(), public_id, overlap, database_wall_now())
        except ApiToken.DoesNotExist:
            raise Http404 from None
        except AlreadyRotated as refused:
            raise Superseded(str(refused)) from None
        return self._issued(*made, public_id)

    def _issued(self, token: ApiToken, plain: str, replaces: str = "") -> Response:
        shown = {**TokenSerializer(token).data, "secret": plain, "replaces": replaces}
        return Response(shown, status=201)

    def _itself(self, found: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        token = self.request.auth
        return found.filter(pk=token.pk) if isinstance(token, ApiToken) else found.none()

    def _issuer(self, request: Request) -> TokenIssuer:
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        ends_at = request.auth.expires_at if isinstance(request.auth, ApiToken) else None
        return TokenIssuer(self._person(request), team, rights(request), ends_at)

    def _person(self, request: Request) -> User:
        if not isinstance(request.user, User):
            raise PermissionDenied("A team's token issues and revokes none: sign in, or use a token of a person.")
        return request.user
