"""Writes of the API: each is one transaction that locks the row it reads, so that no race revives one."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.errors import InUse
from vigil.api.base.etags import has_precondition
from vigil.api.base.parameters import is_asked
from vigil.api.base.views import Resources
from vigil.read_models.users import users_of

_CHANGES = frozenset({"create", "update", "partial_update", "destroy"})
_LOCKED = _CHANGES - {"create"}


class LockedWrites(Resources):
    """For view sets. Actions beside the four below lock where they write: some of them wait for other servers."""

    #: Whether a row that is deleted stays in its table.
    keeps_deleted = False

    def writes_in_one_transaction(self, request: HttpRequest) -> bool:
        # The action is not set yet: it belongs to the method, as the router has mapped them.
        is_change = self.action_map.get(str(request.method).lower()) in _CHANGES
        return is_change or has_precondition(request) or super().writes_in_one_transaction(request)

    def keeps_preconditions(self) -> bool:
        return bool(self.detail)

    @extend_schema(
        parameters=[OpenApiParameter("force", bool, description="Delete it although others use it: they lose it.")],
        responses={204: None, 409: None},
    )
    def destroy(self, request: Request, *args: Any, **options: Any) -> Response:
        """Delete it. What others use is refused with their names, unless `force` is true."""
        row = self.get_object()
        users = [] if is_asked(request, "force") else users_of(row)
        if users:
            raise InUse(f"It is used by {', '.join(users)}. Change them first, or delete it with ?force=true.")
        self.perform_destroy(row)  # type: ignore[attr-defined]
        return Response(status=status.HTTP_204_NO_CONTENT)

    @property
    def locks_row(self) -> bool:
        """Whether `get_object` locks the row that it returns."""
        return self.action in _LOCKED or has_precondition(self.request)

    def get_object(self) -> Any:
        if not self.locks_row:
            return super().get_object()
        lookup = self.lookup_url_kwarg or self.lookup_field
        # A row that stays is locked without its key: a row that only refers to it is written without a wait.
        stays = self.action != "destroy" or self.keeps_deleted
        rows = self.filter_queryset(self.get_queryset()).select_for_update(of=("self",), no_key=stays)
        named = rows.filter(**{self.lookup_field: self.kwargs[lookup]})
        # The request that held the lock may have put a successor in its place, which only a second look sees.
        row = named.first() or named.first()
        if row is None:
            raise Http404
        self.check_object_permissions(self.request, row)
        self.check_if_match(row)
        return row
