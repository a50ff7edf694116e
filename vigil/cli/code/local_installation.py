"""Commands of monitors as code on the installation of this machine: its default team."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vigil.cli.code.documents import as_error
from vigil.cli.code.reached import TRIAL_GONE, Shown, TrialRefused, commit_of, values_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.core.tree import DocumentError
from vigil.code.load import LoadedFiles


class LocalInstallation:
    """The installation that this process is connected to; it answers in the form of the API."""

    BY = "command line"

    @property
    def address(self) -> str:
        from vigil.configuration import configuration

        return configuration().base_url.rstrip("/")

    def plan(self, source: LoadedFiles, prune: bool) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.plans import PlanOrder, make_plan

        order = PlanOrder(source.tree, values_or_refuse(source), self.BY, commit_of(source.folder), prune, True)
        with _problems_as_error():
            return _plan(make_plan(default_team(), order))

    def stored_plan(self, public_id: str) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.models import ConfigurationPlan

        found = ConfigurationPlan.objects.filter(team=default_team(), public_id=public_id).first()
        if found is None:
            raise CommandError(f"there is no plan {public_id}")
        return _plan(found)

    def apply(self, public_id: str) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.apply import PlanMoved, apply_plan
        from vigil.code.models import ConfigurationPlan

        try:
            with _problems_as_error():
                return _plan(apply_plan(default_team(), public_id, self.BY).plan)
        except ConfigurationPlan.DoesNotExist:
            raise CommandError(f"there is no plan {public_id}") from None
        except PlanMoved as moved:
            raise CommandError(str(moved)) from None

    def export(self, project: str, everything: bool) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.export import export_document

        return export_document(default_team(), project, everything, is_staff=True)

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None:
        from vigil.accounts.teams import default_team
        from vigil.code.ownership import adopt

        with _problems_as_error():
            adopt(default_team(), project, address, public_id)

    def adopt_everything(self, project: str) -> list[tuple[str, str]]:
        from vigil.accounts.teams import default_team
        from vigil.code.ownership import adopt_everything

        with _problems_as_error():
            rows = adopt_everything(default_team(), project)
        return [(f"{row.section}.{row.key}", row.public_id) for row in rows]

    def begin_trial(self, fields: Shown) -> tuple[Shown | None, float]:
        from django.core.exceptions import ValidationError

        from vigil.accounts.teams import default_team
        from vigil.api.monitors.trial_serializers import TrialSerializer, shown
        from vigil.dispatch import trials
        from vigil.dispatch.trial_limits import TooManyTrials, TrialLane
        from vigil.monitors.drafts import draft_monitor

        team = default_team()
        try:
            monitor, regions = draft_monitor(team, {**fields, **_regions(fields)})
            begun = trials.start(monitor, [region for region in regions if region.enabled], TrialLane.OF_FILE)
            return dict(TrialSerializer(shown(begun)).data), 0
        except TooManyTrials as refused:
            return None, refused.wait_s
        except trials.TrialsUnavailable:
            raise CommandError("Redis is away, so no region can be asked") from None
        except ValidationError as refused:
            raise TrialRefused(" ".join(refused.messages)) from None

    def trial(self, public_id: str) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.api.monitors.trial_serializers import TrialSerializer, shown
        from vigil.dispatch import trials

        try:
            found = trials.find(default_team().public_id, public_id)
        except trials.TrialsUnavailable:
            raise CommandError("Redis is away, so no region can be asked") from None
        if found is None:
            raise TrialRefused(TRIAL_GONE)
        return dict(TrialSerializer(shown(found)).data)


def _regions(fields: Shown) -> dict[str, Any]:
    """The rows of the regions that are named; raises `TrialRefused` for one that is not there or not enabled."""
    from vigil.monitors.models import Region

    if fields.get("regions") is None:
        return {}
    found = {region.slug: region for region in Region.objects.filter(slug__in=fields["regions"], enabled=True)}
    strange = next((name for name in fields["regions"] if name not in found), None)
    if strange is not None:
        raise TrialRefused(f"regions: there is no enabled region {strange[:40]!r}")
    return {"regions": list(found.values())}


def _plan(row: Any) -> Shown:
    """A plan as the API answers it."""
    from vigil.api.code.plans import PlanSerializer
    from vigil.code.plans import plan_shown

    return dict(PlanSerializer(plan_shown(row)).data)


@contextmanager
def _problems_as_error() -> Iterator[None]:
    try:
        yield
    except DocumentError as refused:
        raise as_error(refused.problems) from None
