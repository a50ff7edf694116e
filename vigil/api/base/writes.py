"""Writes of the API: each is one transaction that locks the row it reads, so that no race revives one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import Http404, HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.errors import InUse
from vigil.api.base.users import users_of

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    _ViewSet = GenericViewSet[Any]
else:
    _ViewSet = object

_CHANGES = frozenset({"create", "update", "partial_update", "destroy"})
_LOCKED = _CHANGES - {"create"}


class LockedWrites(_ViewSet):
    """For view sets. Actions beside the four below lock where they write: some of them wait for other servers."""

    def dispatch(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        # The action is not set yet: it belongs to the method, as the router has mapped them.
        if self.action_map.get(str(request.method).lower()) not in _CHANGES:
            return super().dispatch(request, *args, **options)
        with transaction.atomic():
            answer = super().dispatch(request, *args, **options)
            if answer.status_code >= status.HTTP_400_BAD_REQUEST:
                transaction.set_rollback(True)
        return answer

    @extend_schema(
        parameters=[OpenApiParameter("force", bool, description="Delete it although others use it: they lose it.")],
        responses={204: None, 409: None},
    )
    def destroy(self, request: Request, *args: Any, **options: Any) -> Response:
        """Delete it. What others use is refused with their names, unless `force` is true."""
        row = self.get_object()
        users = [] if request.query_params.get("force") == "true" else users_of(row)
        if users:
            raise InUse(f"It is used by {', '.join(users)}. Change them first, or delete it with ?force=true.")
        self.perform_destroy(row)  # type: ignore[attr-defined]
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_object(self) -> Any:
        if self.action not in _LOCKED:
            return super().get_object()
        lookup = self.lookup_url_kwarg or self.lookup_field
        rows = self.filter_queryset(self.get_queryset()).select_for_update(of=("self",))
        named = rows.filter(**{self.lookup_field: self.kwargs[lookup]})
        # Whoever held the lock may have put a successor in its place, which only a second look sees.
        row = named.first() or named.first()
        if row is None:
            raise Http404
        self.check_object_permissions(self.request, row)
        return row
