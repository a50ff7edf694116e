"""Conventions of every view: known parameters, sparse fields, entity tags, idempotency keys."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from rest_framework import status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from vigil.accounts.idempotency import (
    MAX_KEY,
    KeyClaim,
    KeyInUse,
    KeyUsedOtherwise,
    find_answer,
    fingerprint,
    is_key,
    keep_answer,
)
from vigil.accounts.models import ApiToken, StoredAnswer
from vigil.api.base.errors import KeyIsBusy, KeyIsTaken, MissingScope
from vigil.api.base.etags import check_match, entity_tag, has_precondition, tagged
from vigil.api.base.filters import AllOfFilter, AnyOfFilter
from vigil.api.base.pagination import SORT, PageByCursor
from vigil.api.base.parameters import documented_parameters, refuse_body, refuse_parameters
from vigil.api.base.permissions import missing_scope, team_of
from vigil.problems.codes import FieldCode

if TYPE_CHECKING:
    from rest_framework.viewsets import GenericViewSet

    _View = GenericViewSet[Any]
else:
    _View = object

FIELDS = "fields"
MAX_FIELDS = 100
_PAGES = frozenset({PageByCursor.page_size_query_param, PageByCursor.cursor_query_param})
_PAGING = _PAGES | {SORT}
#: Actions whose answer is the object, whole, or a page of objects.
TAGGED = frozenset({"list", "retrieve", "create", "update", "partial_update"})
_SHOW = frozenset({"list", "retrieve"})
_NO_PRECONDITION = "This request does not change one object that was read: leave the header out."
_settable: dict[Any, frozenset[str]] = {}


class _AnsweredBefore(Exception):
    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer


class Conventions(_View):
    """For every view of the API, first among its bases."""

    _claim: KeyClaim | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        if not self.writes_in_one_transaction(request):
            return super().dispatch(request, *args, **options)
        with transaction.atomic():
            answer: Any = super().dispatch(request, *args, **options)
            if answer.status_code >= status.HTTP_400_BAD_REQUEST:
                transaction.set_rollback(True)
            elif self._claim is not None:
                answer.render()
                keep_answer(self._claim, answer.status_code, answer.get("Location", ""), answer.content.decode())
        return answer

    def writes_in_one_transaction(self, request: HttpRequest) -> bool:
        """Whether the request and its stored answer are one transaction: they are where it has an idempotency key."""
        return request.method == "POST" and "Idempotency-Key" in request.headers

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        self._refuse_unknown_parameters(request)
        if has_precondition(request) and not self.keeps_preconditions():
            # Ignored, it would let through just the change that it is there to stop.
            raise ValidationError({"If-Match": [_NO_PRECONDITION]})
        if request.method == "POST" and "Idempotency-Key" in request.headers:
            self._claim_key(request)
        refuse_body(request, self)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        view: Any = self
        scope = missing_scope(request, view)
        if scope is not None:
            raise MissingScope(scope.value)
        super().permission_denied(request, message, code)

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _AnsweredBefore):
            self._claim = None
            again = _again(exc.answer)
            if getattr(self, "action", "") in TAGGED and exc.answer.body:
                again["ETag"] = entity_tag(json.loads(exc.answer.body), self._settable())
            return again
        return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **options: Any) -> Any:
        action, data = getattr(self, "action", ""), getattr(response, "data", None)
        if response.status_code < status.HTTP_300_MULTIPLE_CHOICES and isinstance(data, Mapping):
            if action in TAGGED:
                response = tagged(request, response, self._settable())
            if action == "create" and not response.has_header("Location"):
                name = data.get("id") or data.get(self.lookup_field.partition("__")[0], "")
                response["Location"] = f"{request.path.rstrip('/')}/{name}"
        return super().finalize_response(request, response, *args, **options)

    @property
    def asked_fields(self) -> frozenset[str] | None:
        """Fields that `?fields=` of a list or of an object names; None for all."""
        request: Any = getattr(self, "request", None)
        if request is None or getattr(self, "action", "") not in _SHOW or FIELDS not in request.GET:
            return None
        names = request.GET[FIELDS].split(",")
        if len(names) > MAX_FIELDS or not all(names):
            raise ValidationError({FIELDS: [f"Names separated by commas, at most {MAX_FIELDS}."]})
        return frozenset(names)

    def shows(self, *fields: str) -> bool:
        """Whether the answer has one of these fields: what none of them needs is not read."""
        asked = self.asked_fields
        return asked is None or not asked.isdisjoint(fields)

    def keeps_preconditions(self) -> bool:
        """Whether this operation writes one row that is held against `If-Match`; elsewhere the header is refused."""
        return False

    def check_if_match(self, row: Any) -> None:
        """Refuse a write whose `If-Match` names another state of this locked row; raises `PreconditionFailed`."""
        header = self.request.headers.get("If-Match")
        if header is not None:
            shown = self.get_serializer(row).data
            check_match(header, shown, settable_fields(self.get_serializer_class()))

    def _refuse_unknown_parameters(self, request: Request) -> None:
        given = dict(request.query_params.lists())
        if not given or getattr(self, "action", "") is None:
            return
        if len(given.get(api_settings.URL_FORMAT_OVERRIDE, ())) < 2:
            given.pop(api_settings.URL_FORMAT_OVERRIDE, None)
        filters = self.filters() if getattr(self, "action", "") == "list" else {}
        lists = {name for name, one in filters.items() if isinstance(one, (AnyOfFilter, AllOfFilter))}
        refuse_parameters(given, self._parameters(), lists)

    def _parameters(self) -> frozenset[str]:
        action = getattr(self, "action", "")
        known = documented_parameters(self, str(self.request.method))
        if (
            getattr(self, "paginator", None) is not None
            and self.request.method == "GET"
            and action not in ("", "retrieve")
        ):
            known |= (_PAGING | self.filters().keys()) if action == "list" else _PAGES
        return known | {FIELDS} if action in _SHOW and hasattr(self, "get_serializer_class") else known

    def filters(self) -> Mapping[str, Any]:
        """Filters of the list, by parameter."""
        view: Any = self
        found: dict[str, Any] = {}
        for backend in getattr(view, "filter_backends", ()):
            filters = backend().get_filterset_class(view, getattr(view, "queryset", None))
            found |= filters.base_filters if filters else {}
        return found

    def _claim_key(self, request: Request) -> None:
        key, team = request.headers["Idempotency-Key"], team_of(request)
        if not is_key(key) or team is None:
            raise ValidationError({"Idempotency-Key": [f"1 to {MAX_KEY} visible ASCII characters."]})
        caller = request.auth.public_id if isinstance(request.auth, ApiToken) else f"user {request.user.pk}"
        sent = fingerprint(str(request.method), request.get_full_path(), request._request.body)
        claim = KeyClaim(team.pk, caller, key, sent)
        try:
            answer = find_answer(claim)
        except KeyInUse:
            raise KeyIsBusy from None
        except KeyUsedOtherwise:
            raise KeyIsTaken from None
        if answer is not None:
            raise _AnsweredBefore(answer)
        self._claim = claim

    def _settable(self) -> Collection[str]:
        of_one = getattr(self, "action", "") != "list" and hasattr(self, "get_serializer_class")
        return settable_fields(self.get_serializer_class()) if of_one and self.asked_fields is None else ()


class Resources(Conventions):
    """For view sets of rows: `?fields=` narrows what is shown of them."""

    def get_serializer(self, *args: Any, **options: Any) -> Any:
        serializer = super().get_serializer(*args, **options)
        asked = self.asked_fields
        if asked is not None:
            of_one: Any = getattr(serializer, "child", serializer)
            shown = of_one.fields
            unknown = sorted(asked - set(shown))
            if unknown:
                there_are = ", ".join(name for name, field in shown.items() if not field.write_only)
                reason = f"There is no field {unknown[0][:60]}. There are {there_are}."
                raise ValidationError({FIELDS: [reason]}, FieldCode.UNKNOWN_CHOICE.value)
            for name in set(shown) - asked:
                shown.pop(name)
        return serializer


class ApiView(Conventions, APIView):
    """A view that is no set."""


class ReadOnlyViewSet(Resources, viewsets.ReadOnlyModelViewSet[Any]):
    """A list and its objects."""


def settable_fields(serializer: Any) -> frozenset[str]:
    """Fields of a serializer class that a request sets and an answer shows."""
    if serializer not in _settable:
        fields = serializer().fields.items()
        _settable[serializer] = frozenset(
            name for name, field in fields if not field.read_only and not field.write_only
        )
    return _settable[serializer]


def _again(answer: StoredAnswer) -> HttpResponse:
    content_type = f"application/json; charset={settings.DEFAULT_CHARSET}" if answer.body else None
    again = HttpResponse(answer.body, status=answer.status, content_type=content_type)
    again["Idempotent-Replayed"] = "true"
    if answer.location:
        again["Location"] = answer.location
    return again
