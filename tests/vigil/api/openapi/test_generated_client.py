"""A client that is generated from the document: it has every operation, and does with it what a person would."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from pytest_django.live_server_helper import LiveServer

from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.api.openapi.document import document, operations
from vigil.api.openapi.examples import RANDOM, REQUESTS
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.monitors.kinds import monitor_kinds
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db(transaction=True)

Json = dict[str, Any]
#: What is made, in this order: what later ones refer to goes first.
MADE = ("channel", "person", "policy", "rotation", "route", "heartbeat", "composite", "silence", "objective", "report",
        "status_page", "public_incident")  # fmt: skip
_MANY = {"person": "people", "policy": "policies"}


class Generated:
    """Calls operations of a generated package by their ids, as its typed functions and models have them."""

    def __init__(self, folder: Path, client: Any) -> None:
        self._name, self._client = folder.name, client
        self._modules = {file.stem: file.parent.name for file in folder.glob("api/*/*.py") if file.stem != "__init__"}

    @property
    def operations(self) -> set[str]:
        return set(self._modules)

    def __call__(self, operation: str, body: Json | None = None, **parameters: Any) -> Any:
        """The answer as a model. Fails where a model drops a field that is sent, and unless it is a success."""
        module = importlib.import_module(f"{self._name}.api.{self._modules[operation]}.{operation}")
        ask: Callable[..., Any] = module.sync_detailed
        if body is not None:
            hint = get_type_hints(ask)["body"]
            model: Any = next(each for each in (hint, *get_args(hint)) if hasattr(each, "from_dict"))
            parameters["body"] = sent = model.from_dict(body)
            assert sent.to_dict().keys() == body.keys(), operation
        answer = ask(client=self._client, **parameters)
        assert 200 <= answer.status_code < 300, (operation, answer.content)
        return answer.parsed


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the generated package, which can be imported."""
    folder = tmp_path_factory.mktemp("generated")
    package = folder / "vigil_generated"
    (folder / "document.json").write_text(json.dumps(document()))
    (folder / "options.yml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    files = ["--path", "document.json", "--config", "options.yml", "--output-path", package.name]
    subprocess.run([*command, *files], cwd=folder, check=True, timeout=120)
    sys.path.insert(0, str(folder))
    yield package
    sys.path.remove(str(folder))


@pytest.fixture
def client(package: Path, live_server: LiveServer) -> Iterator[Generated]:
    team, user = default_team(), User.objects.create(username="ann", is_staff=True)
    Membership.objects.create(user=user, team=team, role=Role.OWNER)
    token = issue_token(team, "generated", list(Scope), user=user)[1]
    made = importlib.import_module(f"{package.name}.client")
    # Closed at the end, as the server's thread holds a connection to the database as long as ours to it lives.
    with made.AuthenticatedClient(base_url=live_server.url, token=token, timeout=20.0) as connected:
        yield Generated(package, connected)


def test_it_has_every_operation_and_makes_each_object(client: Generated, redis_url: str) -> None:
    assert client.operations == {each["operationId"] for each in operations(document())}
    region = client("create_region", REQUESTS["RegionRequest"])
    assert region.enrolment.redis_user == "worker-eu-west"
    ids = make_each(client)
    for name, made in ids.items():
        found = client(f"list_{_MANY.get(name, f'{name}s')}")
        assert made in {row.id for row in found.results}, name
    feed = client("update_feed", {"enabled": True}, provider=client("list_feeds").results[0].provider)
    assert feed.enabled and client("get_rotation_feed", public_id=ids["rotation"]).address
    token = client("create_token", REQUESTS["TokenRequestRequest"])
    assert token.token.startswith("vgl_")
    answer_an_incident(client, ids["monitor"])
    for name in reversed(ids):
        client(f"delete_{name}", public_id=ids[name])
    client("delete_token", public_id=token.id)
    client("delete_region", slug="eu-west")
    assert client("list_monitors").results[0].kind in {each.kind for each in monitor_kinds()}


def make_each(client: Generated) -> dict[str, str]:
    """Make a monitor of each kind, and one of each other object; gives an id by the object's name."""
    for each in monitor_kinds():
        paced = {"interval_s": max(60, each.least_interval_s), "regions": []}
        made = client("create_monitor", {"name": each.kind, "kind": each.kind, "config": each.example, **paced})
        assert made.config.to_dict().items() >= each.example.items(), each.kind
    ids = {"monitor": made.id}
    for name in MADE:
        body = json.dumps(REQUESTS[f"{name.title().replace('_', '')}Request"])
        for known, made_id in {"mon": "monitor", "chn": "channel", "per": "person", "stp": "status_page"}.items():
            body = body.replace(f"{known}_{RANDOM}", ids.get(made_id, ""))
        ids[name] = client(f"create_{name}", json.loads(body)).id
    return ids


def answer_an_incident(client: Generated, monitor: str) -> None:
    team, now = default_team(), database_now()
    incident = Incident.objects.create(
        team=team, monitor=Monitor.objects.get(public_id=monitor), kind="outage", title="Down", started_at=now,
        opened_at=now, steps=0,
    )  # fmt: skip
    client("add_incident_note", REQUESTS["NoteRequest"], public_id=incident.public_id)
    client("acknowledge_incident", public_id=incident.public_id)
    steps = [each.step for each in client("list_incident_transitions", public_id=incident.public_id).results]
    assert {"note", "acknowledged"} <= set(steps)
