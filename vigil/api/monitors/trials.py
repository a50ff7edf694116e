"""Trials API: one look of a saved or unsaved monitor now, with every region's answer; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.parameters import is_asked
from vigil.api.base.permissions import team_of
from vigil.api.base.views import Conventions
from vigil.api.monitors.trial_serializers import TrialRequestSerializer, TrialSerializer, shown
from vigil.dispatch import trials
from vigil.dispatch.core.trials import TrialState
from vigil.dispatch.trial_limits import HOST_MOST, TooManyTrials, TrialLane
from vigil.monitors.changes import MAX_REGIONS
from vigil.monitors.drafts import draft_monitor
from vigil.monitors.models import Monitor, Region
from vigil.problems.codes import ProblemCode

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object

_ID = {"type": "string", "pattern": "^trl_[0-9a-z]{16}$"}
_WAIT = OpenApiParameter(
    "wait",
    OpenApiTypes.BOOL,
    description="`false`: answer at once with status 202, and read `GET /trials/{id}` until `state` is `done`.",
)


_BATCH = OpenApiParameter(
    "batch",
    OpenApiTypes.BOOL,
    description=(
        f"`true`: one of many, such as those of a file. A team may begin {TrialLane.OF_FILE.most} of them a minute,"
        f" {HOST_MOST} at one host. It is answered at once, as with `wait=false`."
    ),
)


class TrialsAway(APIException):
    """Redis is away, so no region can be asked."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "No region can be asked now, because Redis is away. Try again in a minute."
    default_code = ProblemCode.UNAVAILABLE.value


class TrialActions(_ViewSet):
    """Actions of monitors that try one."""

    @extend_schema(
        parameters=[_WAIT], request=TrialRequestSerializer, responses={200: TrialSerializer, 202: TrialSerializer}
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, public_id: str) -> Response:
        """Check it now from its regions, and return what each of them saw.

        It takes up to its timeout and 2.5 s. It counts for nothing: no vote, no history, no alert. A team may begin 20
        trials a minute.
        """
        monitor: Monitor = self.get_object()
        asked = TrialRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        regions = asked.validated_data.get("regions")
        return tried(request, monitor, list(monitor.regions.filter(enabled=True)) if regions is None else regions)

    @extend_schema(parameters=[_WAIT, _BATCH], responses={200: TrialSerializer, 202: TrialSerializer})
    @action(detail=False, methods=["post"], url_path="test", filterset_class=None, pagination_class=None)
    def test_unsaved(self, request: Request) -> Response:
        """Check what the body describes, as `POST /monitors` would take it, and save nothing.

        A name is not needed. Secrets go sealed to the regions that are asked, and are not stored. With `batch` it is
        one of a file's many, which have limits of their own.
        """
        serializer: Any = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        with serializer.refusals():
            wanted, _ = serializer.settable(serializer.validated_data)
            monitor, regions = draft_monitor(team, wanted)
        enabled = [region for region in regions if region.enabled]
        return tried(request, monitor, enabled, of_file=is_asked(request, "batch"))


class TrialViewSet(Conventions, viewsets.ViewSet):
    """Trials that were begun in the last five minutes."""

    lookup_value_regex = _ID["pattern"].strip("^$")

    @extend_schema(responses=TrialSerializer, parameters=[OpenApiParameter("id", _ID, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, pk: str) -> Response:
        """A trial as it stands: results appear region by region."""
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        with _refusals():
            found = trials.find(team.public_id, pk)
        if found is None:
            raise NotFound("There is no such trial, or it is over for more than five minutes.")
        return Response(shown(found))


def tried(request: Request, monitor: Monitor, regions: list[Region], of_file: bool = False) -> Response:
    """Begin a trial, and wait for it unless the caller will not, or has many."""
    if len(regions) > MAX_REGIONS:
        raise serializers.ValidationError({"regions": [f"At most {MAX_REGIONS} regions can try one monitor."]})
    waits = is_asked(request, "wait", otherwise=True) and not of_file
    lane = TrialLane.OF_FILE if of_file else TrialLane.BY_HAND
    with _refusals():
        found = trials.start(monitor, list({region.slug: region for region in regions}.values()), lane)
        if waits:
            found = trials.wait(monitor.team.public_id, found.trial.id) or found
    code = status.HTTP_200_OK if found.state is TrialState.DONE else status.HTTP_202_ACCEPTED
    return Response(shown(found), status=code)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except TooManyTrials as refused:
        raise Throttled(refused.wait_s, f"{refused}.") from None
    except trials.TrialsUnavailable:
        raise TrialsAway from None
