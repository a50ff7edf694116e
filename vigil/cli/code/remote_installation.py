"""Commands of monitors as code on an installation elsewhere, by its API and a token."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vigil.cli.code.documents import as_error
from vigil.cli.code.reached import TRIAL_GONE, Shown, TrialRefused, commit_of, values_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.core.tree import NOWHERE, DocumentProblem, Node
from vigil.code.load import LoadedFiles

if TYPE_CHECKING:
    from httpx import BaseTransport, Response

#: A plan of many monitors takes seconds.
TIMEOUT_S = 120.0
#: Bytes of a body from which on it is packed; only documents are as large.
_PACKED_FROM = 256 * 1024
_REFUSED = frozenset({400, 422})
#: What is read of answers; a server of another age may lack it.
_OF_PLAN = ("id", "project", "changes", "paging", "warnings", "applied_at")
_OF_TRIAL = ("id", "state", "regions", "verdict")


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
        return self._plan(self._ask("POST", "plans", order), source.tree)

    def stored_plan(self, public_id: str) -> Shown:
        return self._plan(self._ask("GET", f"plans/{_plan_id(public_id)}"))

    def apply(self, public_id: str) -> Shown:
        return self._plan(self._ask("POST", f"plans/{_plan_id(public_id)}/apply"))

    def export(self, project: str, everything: bool) -> Shown:
        parameters = {"project": project, "everything": str(everything).lower()}
        return self._known(self._read(self._ask("GET", "export", parameters=parameters)), ("version", "project"))

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None:
        section, key = address
        order = {"project": project, "section": section, "key": key, "id": public_id}
        self._read(self._ask("POST", "adoptions", order))

    def adopt_everything(self, project: str) -> list[tuple[str, str]]:
        answer = self._known(self._read(self._ask("POST", "adoptions/everything", {"project": project})), ("adopted",))
        return [(f"{one['section']}.{one['key']}", str(one["id"])) for one in answer["adopted"]]

    def begin_trial(self, fields: Shown) -> tuple[Shown | None, float]:
        answer = self._ask("POST", "monitors/test", fields, {"batch": "true"})
        if answer.status_code == 429:
            return None, _seconds(answer.headers.get("retry-after"))
        if answer.status_code in _REFUSED:
            try:
                self._read(answer)
            except CommandError as refused:
                raise TrialRefused(str(refused)) from None
        return self._known(self._read(answer), _OF_TRIAL), 0

    def trial(self, public_id: str) -> Shown:
        answer = self._ask("GET", f"trials/{public_id}")
        if answer.status_code == 404:
            raise TrialRefused(TRIAL_GONE)
        return self._known(self._read(answer), _OF_TRIAL)

    def _ask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, str] | None = None
    ) -> Response:
        import httpx

        try:
            content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
            headers = {"content-type": "application/json"} if content else {}
            if content and len(content) > _PACKED_FROM:
                content, headers["content-encoding"] = gzip.compress(content, mtime=0), "gzip"
            return self._client.request(method, path, content=content, headers=headers, params=parameters)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise CommandError(f"cannot reach {self.address}: {problem}; is VIGIL_URL right?") from None

    def _plan(self, answer: Response, tree: Node | None = None) -> Shown:
        return self._known(self._read(answer, tree), _OF_PLAN)

    def _known(self, found: Shown, names: Iterable[str]) -> Shown:
        """The answer, if it has these fields; raises CommandError."""
        missing = [name for name in names if name not in found]
        if missing:
            raise CommandError(
                f"{self.address} answered without {missing[0]}: is VIGIL_URL right, and its Vigil as new as this one?"
            )
        return found

    def _read(self, answer: Response, tree: Node | None = None) -> Shown:
        """What was answered; raises CommandError for a refusal, at the lines of `tree`."""
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


def _seconds(text: str | None) -> float:
    """Seconds of a `Retry-After`; a minute where it says nothing."""
    return float(text) if text and text.isascii() and text.isdigit() else 60.0


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
        if not isinstance(error, dict):
            found.append(DocumentProblem(NOWHERE, "", str(error)[:500]))
            continue
        path, words = str(error.get("field", "")), str(error.get("reason", ""))
        section, _, key = path.partition(".")
        node = tree.members.get(section) if tree else None
        node = node.members.get(key, node) if node else None
        found.append(DocumentProblem(node.place if node else NOWHERE, path, words))
    return found
