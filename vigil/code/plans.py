"""Plans: made on the server against a revision, stored, and applied once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from probes.probers import SpecError, validate_secrets
from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.alerts.channels import ChannelSettingsError, check_channel
from vigil.clock import database_now
from vigil.code.catalogue import catalogue
from vigil.code.core.document import Document, read_document
from vigil.code.core.objects import Wanted
from vigil.code.core.paging import paging_changes
from vigil.code.core.plan import PlannedChanges, plan
from vigil.code.core.plan_text import as_plain
from vigil.code.core.references import concealed, references_of, resolved, without_values
from vigil.code.core.sections.installation import INSTALLATION
from vigil.code.core.state import Address, TeamState
from vigil.code.core.tree import DocumentError, DocumentProblem, Node, TextPlace
from vigil.code.core.uses import uses_of_deleted
from vigil.code.costs import costs_until_now
from vigil.code.models import ConfigurationPlan
from vigil.code.stored.hashes import secret_hash
from vigil.code.stored.plan_documents import sealed_document
from vigil.code.stored.reading import read_state
from vigil.code.stored.regions import check_regions, region_warnings
from vigil.code.stored.rows import TeamRows, load_rows
from vigil.monitors.validation import MAX_SECRET_LENGTH

#: Plans that are kept, and for how long.
PLANS_MOST, PLANS_KEPT = 200, timedelta(days=30)
COMMIT_MOST = 100


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a plan is asked for: the document, values of its references, and who asks."""

    tree: Node
    values: Mapping[str, str] = field(repr=False)
    by: str = ""
    commit: str = ""
    prune: bool = False
    is_staff: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A document beside the state of the team."""

    document: Document
    secrets: Mapping[Address, Mapping[str, str]] = field(repr=False)
    rows: TeamRows
    state: TeamState
    planned: PlannedChanges
    #: Of the secrets that the document names.
    hashes: Mapping[Address, Mapping[str, str]] = field(repr=False)


def make_plan(team: Team, order: PlanOrder) -> ConfigurationPlan:
    """Compare the document with the team's configuration and store the plan; raises `DocumentError`."""
    _check_values(order)
    document = read_document(order.tree, catalogue(), order.values)
    secrets = _secrets(document, order.values)
    try:
        _check_secrets(document, secrets)
        _check_channels(document, secrets)
        _check_reports(document)
        check_regions(document)
    except DocumentError as refused:
        raise DocumentError(without_values(refused.problems, order.values)) from None
    with transaction.atomic():
        found = compare(team, document, secrets, order.prune)
        if not order.is_staff:
            _refuse_installation(document, found)
        made = ConfigurationPlan.objects.create(
            team=team,
            project=document.project,
            revision=found.state.revision(),
            prune=order.prune,
            sealed=Secrets(sealed_document(document, secrets)),
            changes=as_plain(found.planned.changes),
            paging=paging_changes(document, found.state, found.planned),
            warnings=[
                *uses_of_deleted(found.state, found.planned),
                *(
                    f"{one.section}.{one.key}: {concealed(words, order.values)}"
                    for one in document.all()
                    for words in one.warnings
                ),
                *costs_until_now(document, found.state, catalogue().price),
                *region_warnings(document, found.planned.effective),
            ],
            commit=order.commit[:COMMIT_MOST],
            created_by=order.by[:150],
        )
        _forget_old(team)
    return made


def compare(
    team: Team, document: Document, secrets: Mapping[Address, Mapping[str, str]], prune: bool, lock: bool = False
) -> Comparison:
    """Compare a document with the present state; with `lock`, the state stays until the transaction ends."""
    rows = load_rows(team, lock)
    state = read_state(rows, document.project)
    hashes = {
        address: {name: secret_hash(value) for name, value in named.items()} for address, named in secrets.items()
    }
    return Comparison(document, secrets, rows, state, plan(document, state, hashes, prune), hashes)


def _refuse_installation(document: Document, found: Comparison) -> None:
    """Raise `DocumentError` where the plan changes or takes over what belongs to the installation."""
    addresses = [change.address for change in found.planned.effective if change.section in INSTALLATION]
    addresses += [("regions", key) for key in document.objects["regions"] if ("regions", key) not in found.state.owned]
    if addresses:
        section, key = addresses[0]
        words = f"{section} belong to the installation: only staff may change them"
        raise DocumentError([DocumentProblem(TextPlace(), f"{section}.{key}", words)])


def _check_values(order: PlanOrder) -> None:
    """Raise `DocumentError` for every reference that has no value: what it stands for could not be judged."""
    problems = [
        DocumentProblem(inner.place, path, f"${{{name}}} has no value here")
        for path, node in _parts(order.tree)
        for name, inner in references_of(node).items()
        if name not in order.values
    ]
    if problems:
        raise DocumentError(problems)


def _parts(tree: Node) -> Iterator[tuple[str, Node]]:
    """The objects of a tree by their paths, and what is no map of objects."""
    for section, found in tree.members.items():
        if found.members:
            yield from ((f"{section}.{key}", node) for key, node in found.members.items())
        else:
            yield section, found


def _secrets(document: Document, values: Mapping[str, str]) -> dict[Address, dict[str, str]]:
    """Values of all secrets."""
    found: dict[Address, dict[str, str]] = {}
    for one in document.all():
        for name, text in one.secrets.items():
            found.setdefault((one.section, one.key), {})[name] = resolved(text, values)
    return found


def _check_secrets(document: Document, secrets: Mapping[Address, Mapping[str, str]]) -> None:
    problems = []
    for key, one in document.objects["monitors"].items():
        named = secrets.get(("monitors", key), {})
        long = [name for name, value in named.items() if len(value) > MAX_SECRET_LENGTH]
        words = f"secrets.{long[0]}: at most {MAX_SECRET_LENGTH} characters" if long else ""
        try:
            validate_secrets(one.fields["kind"], named)
        except SpecError as refused:
            words = f"secrets: {refused.problem}"
        if words:
            problems.append(DocumentProblem(one.place, f"monitors.{key}", words))
    if problems:
        raise DocumentError(problems)


def _check_channels(document: Document, secrets: Mapping[Address, Mapping[str, str]]) -> None:
    """Channels judge their settings together with their secrets."""
    problems = []
    for key, one in document.objects["channels"].items():
        named = dict(secrets.get(("channels", key), {}))
        if one.fields["kind"] == "webhook":
            named.setdefault("secret", "x" * 32)
        try:
            check_channel(one.fields["kind"], one.fields["config"], named)
        except ChannelSettingsError as refused:
            problems.append(DocumentProblem(one.place, f"channels.{key}", f"{refused.field}: {refused.problem}"))
    if problems:
        raise DocumentError(problems)


def _check_reports(document: Document) -> None:
    """The addresses of reports are judged as those of a mail channel are."""
    problems = []
    for key, one in document.objects["reports"].items():
        try:
            check_channel("email", {"to": one.fields["recipients"]}, {})
        except ChannelSettingsError as refused:
            problems.append(DocumentProblem(one.place, f"reports.{key}", f"recipients: {refused.problem}"))
    if problems:
        raise DocumentError(problems)


def problems_of(refused: ValidationError, one: Wanted) -> DocumentError:
    """The refusal of a write path, at the place of its object."""
    path = f"{one.section}.{one.key}"
    if hasattr(refused, "message_dict"):
        pairs = [(name, words) for name, found in refused.message_dict.items() for words in found]
    else:
        pairs = [("__all__", words) for words in refused.messages]
    return DocumentError(
        DocumentProblem(one.place, path, words if name == "__all__" else f"{name}: {words}") for name, words in pairs
    )


def _forget_old(team: Team) -> None:
    own = ConfigurationPlan.objects.filter(team=team)
    kept = list(own.order_by("-id").values_list("pk", flat=True)[:PLANS_MOST])
    own.exclude(pk__in=kept).delete()
    own.filter(created_at__lt=database_now() - PLANS_KEPT).delete()


def plan_shown(row: ConfigurationPlan) -> dict[str, Any]:
    """A plan as the API and the commands show it."""
    return {
        "id": row.public_id,
        "project": row.project,
        "revision": row.revision,
        "prune": row.prune,
        "changes": row.changes,
        "paging": row.paging,
        "warnings": row.warnings,
        "commit": row.commit,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "applied_by": row.applied_by,
        "applied_at": row.applied_at,
    }
