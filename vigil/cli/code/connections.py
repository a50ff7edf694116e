"""Where commands of monitors as code act: the installation of this machine, or another one with a token."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vigil.cli.code.documents import as_error
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.code.core.tree import NOWHERE, DocumentError, DocumentProblem, Node
from vigil.code.load import LoadedFiles, values_of

if TYPE_CHECKING:
    from httpx import BaseTransport, Response

#: A plan of many monitors takes seconds.
TIMEOUT_S = 120.0
Shown = dict[str, Any]


class ReachedInstallation(Protocol):
    def plan(self, source: LoadedFiles, prune: bool) -> Shown:
        """A new plan of files; raises CommandError with every problem."""
        ...

    def stored_plan(self, public_id: str) -> Shown: ...

    def apply(self, public_id: str) -> Shown: ...

    def export(self, project: str, everything: bool) -> Shown: ...

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None: ...

    def try_monitor(self, fields: Shown) -> tuple[Shown | None, float]:
        """One trial of an unsaved monitor; None and the seconds to wait where too many were begun."""
        ...

    @property
    def address(self) -> str:
        """Its address, without a slash at the end."""
        ...


def add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", help="the data folder of the running `up`, without VIGIL_URL")


def installation(data_dir: str | None) -> ReachedInstallation:
    """The one of VIGIL_URL and VIGIL_TOKEN, else that of this machine."""
    address = os.environ.get("VIGIL_URL", "").rstrip("/")
    if not address:
        connect(data_dir)
        return LocalInstallation()
    token = os.environ.get("VIGIL_TOKEN", "")
    if not token:
        raise CommandError("VIGIL_TOKEN is not set: `manage.py token create` issues one with the scope write")
    return RemoteInstallation(address, token)


def values_or_refuse(source: LoadedFiles) -> dict[str, str]:
    """Values of all references; raises CommandError that names those without one."""
    try:
        values, problems = values_of(source, os.environ)
    except DocumentError as refused:
        raise as_error(refused.problems) from None
    if problems:
        raise as_error(problems)
    return values


def commit_of(folder: Path) -> str:
    """The commit of a folder, from CI or from git; empty where there is none."""
    for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        if os.environ.get(variable):
            return os.environ[variable][:100]
    try:
        asked = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()[:100] if found.returncode == 0 else ""


class LocalInstallation:
    """The installation that this process is connected to; its default team."""

    BY = "command line"

    @property
    def address(self) -> str:
        from vigil.configuration import configuration

        return configuration().base_url.rstrip("/")

    def plan(self, source: LoadedFiles, prune: bool) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.plans import PlanOrder, make_plan, plan_shown

        order = PlanOrder(source.tree, values_or_refuse(source), self.BY, commit_of(source.folder), prune, True)
        try:
            return plan_shown(make_plan(default_team(), order))
        except DocumentError as refused:
            raise as_error(refused.problems) from None

    def stored_plan(self, public_id: str) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.models import ConfigurationPlan
        from vigil.code.plans import plan_shown

        found = ConfigurationPlan.objects.filter(team=default_team(), public_id=public_id).first()
        if found is None:
            raise CommandError(f"there is no plan {public_id}")
        return plan_shown(found)

    def apply(self, public_id: str) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.apply import PlanMoved, apply_plan
        from vigil.code.models import ConfigurationPlan
        from vigil.code.plans import plan_shown

        try:
            return plan_shown(apply_plan(default_team(), public_id, self.BY).plan)
        except ConfigurationPlan.DoesNotExist:
            raise CommandError(f"there is no plan {public_id}") from None
        except PlanMoved as moved:
            raise CommandError(str(moved)) from None
        except DocumentError as refused:
            raise as_error(refused.problems) from None

    def export(self, project: str, everything: bool) -> Shown:
        from vigil.accounts.teams import default_team
        from vigil.code.export import export_document

        return export_document(default_team(), project, everything)

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None:
        from vigil.accounts.teams import default_team
        from vigil.code.ownership import adopt

        try:
            adopt(default_team(), project, address, public_id)
        except DocumentError as refused:
            raise as_error(refused.problems) from None

    def try_monitor(self, fields: Shown) -> tuple[Shown | None, float]:
        from django.core.exceptions import ValidationError

        from vigil.accounts.teams import default_team
        from vigil.api.monitors.trial_serializers import shown
        from vigil.dispatch import trials
        from vigil.monitors.drafts import draft_monitor
        from vigil.monitors.models import Region

        team = default_team()
        names = fields.get("regions")
        chosen = {} if names is None else {"regions": list(Region.objects.filter(slug__in=names))}
        try:
            monitor, regions = draft_monitor(team, {**fields, **chosen})
            begun = trials.start(monitor, [region for region in regions if region.enabled])
            return shown(trials.wait(team.public_id, begun.trial.id) or begun), 0
        except trials.TooManyTrials as refused:
            return None, refused.wait_s
        except trials.TrialsUnavailable:
            raise CommandError("Redis is away, so no region can be asked") from None
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None


class RemoteInstallation:
    """An installation elsewhere, by its API. The token acts for its team."""

    def __init__(self, address: str, token: str, transport: BaseTransport | None = None) -> None:
        import httpx

        self.address = address
        self._client = httpx.Client(
            base_url=f"{address}/api/v1/",
            headers={"authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            transport=transport,
        )

    def plan(self, source: LoadedFiles, prune: bool) -> Shown:
        order = {
            "document": source.tree.bare(),
            "values": values_or_refuse(source),
            "places": _places(source.tree),
            "prune": prune,
            "commit": commit_of(source.folder),
        }
        return self._call("POST", "plans", order, source.tree)

    def stored_plan(self, public_id: str) -> Shown:
        return self._call("GET", f"plans/{_plan_id(public_id)}")

    def apply(self, public_id: str) -> Shown:
        return self._call("POST", f"plans/{_plan_id(public_id)}/apply")

    def export(self, project: str, everything: bool) -> Shown:
        return self._call("GET", "export", parameters={"project": project, "everything": str(everything).lower()})

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None:
        section, key = address
        self._call("POST", "adoptions", {"project": project, "section": section, "key": key, "id": public_id})

    def try_monitor(self, fields: Shown) -> tuple[Shown | None, float]:
        answer = self._client.request("POST", "monitors/test", json=fields)
        if answer.status_code == 429:
            return None, float(answer.headers.get("retry-after", "60"))
        return self._read(answer, None), 0

    def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        tree: Node | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Shown:
        import httpx

        try:
            answer = self._client.request(method, path, json=body, params=parameters)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise CommandError(f"cannot reach {self.address}: {problem}; is VIGIL_URL right?") from None
        return self._read(answer, tree)

    def _read(self, answer: Response, tree: Node | None) -> Shown:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CommandError(f"{self.address} answered {answer.status_code}, and no JSON: is VIGIL_URL right?")
        if answer.is_success:
            return found
        errors = found.get("errors")
        if isinstance(errors, list) and errors:
            raise as_error(_problems(errors, tree))
        raise CommandError(f"{self.address} answered {answer.status_code}: {str(found.get('detail', ''))[:500]}")


def _plan_id(public_id: str) -> str:
    if not public_id.isascii() or not public_id.replace("_", "").isalnum():
        raise CommandError(f"{public_id[:40]!r} is no id of a plan")
    return public_id


def _places(tree: Node) -> dict[str, str]:
    """Where each object is written."""
    return {
        f"{section}.{key}": str(node.place)
        for section, found in tree.members.items()
        for key, node in found.members.items()
        if node.place.file and node.place.line
    }


def _problems(errors: Sequence[Any], tree: Node | None) -> list[DocumentProblem]:
    """Problems that the installation found, at the places of this file."""
    found = []
    for error in errors:
        path, words = str(error.get("field", "")), str(error.get("reason", ""))
        section, _, key = path.partition(".")
        node = tree.members.get(section) if tree else None
        node = node.members.get(key, node) if node else None
        found.append(DocumentProblem(node.place if node else NOWHERE, path, words))
    return found
