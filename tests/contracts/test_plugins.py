"""A plug-in is one file and one line: a toy prober, preset and channel are found in API, admin and CLI.

Each toy is what its file would hold; the patch of the dictionary is its one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import pytest
from django.core.management import call_command
from django.test import Client

from probes.presets import CATALOGUE
from probes.prober import Observation, ProbeContext, Prober, SpecError
from probes.probers import PROBERS
from probes.reasons import Reason, Status
from tests.vigil.api.caller import Api
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.alerts.channels import CHANNELS, loopback
from vigil.alerts.channels.kind import Accepted, Kind, Outbound, Secret
from vigil.alerts.models import Channel
from vigil.api.base import serializers
from vigil.api.openapi.document import document
from vigil.cli import main
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


class ToySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    answer: int = 42


async def probe(spec: ToySpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    return Observation(Status.UP, Reason.OK, code=spec.answer)


def validate(spec: ToySpec) -> None:
    if spec.answer < 0:
        raise SpecError("answer", "is never below 0")


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a toy takes none")


class PigeonConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    loft: Annotated[str, msgspec.Meta(description="Where the pigeon lives.")]


async def send(client: Outbound, config: PigeonConfig, secrets: Mapping[str, str], payload: loopback.Words) -> Accepted:
    return Accepted(f"flown to {config.loft}")


PIGEON: Kind[PigeonConfig, loopback.Words] = Kind(
    name="Carrier pigeon",
    words="Flies to its loft.",
    config=PigeonConfig,
    secrets={"ring": Secret(False, "What is written on its ring.")},
    check=lambda config, secrets: None,
    render=lambda message, config: loopback.Words(message.headline),
    send=send,
)


@pytest.fixture(autouse=True)
def document_with_plugins() -> Iterator[None]:
    document.cache_clear()
    yield
    document.cache_clear()


@pytest.fixture(autouse=True)
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROBERS, "toy", Prober(ToySpec, validate, validate_secrets, probe))
    monkeypatch.setitem(CHANNELS, "pigeon", PIGEON)
    # A serializer reads the choices of its model once.
    monkeypatch.setattr(serializers, "_of_models", {})
    toybox = replace(CATALOGUE["ollama"], name="toybox", title="Toy box", says="Toys answer.", also=("box of toys",))
    monkeypatch.setitem(CATALOGUE, "toybox", toybox)


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def new_monitor(**written: Any) -> dict[str, Any]:
    """What a browser sends of the page for a new monitor."""
    untouched = {"interval_s": "60", "timeout_ms": "10000", "sensitivity": "normal", "tags": "", "config.answer": "42"}
    return {**untouched, "team": default_team().pk, **written}


def test_a_prober_is_found_by_the_api_and_by_the_admin(api: Api, boss: Client) -> None:
    config = {"url": "https://toys.example.test/"}
    assert api("POST", "monitors", {"name": "by api", "kind": "toy", "config": config})[0] == 201
    status, refused = api("POST", "monitors", {"name": "bad", "kind": "toy", "config": {**config, "answer": -1}})
    assert (status, "is never below 0" in json.dumps(refused)) == (400, True)
    assert "toy" in json.dumps(api("POST", "monitors", {"name": "bad", "kind": "no such", "config": config}))
    typed = {"name": "by admin", "config.url": config["url"]}
    assert 'name="config.answer"' in boss.get("/admin/monitors/monitor/add/?kind=toy").content.decode()
    boss.post("/admin/monitors/monitor/add/?kind=toy", new_monitor(**typed))
    assert set(Monitor.objects.values_list("name", "kind")) == {("by api", "toy"), ("by admin", "toy")}


def test_a_prober_is_found_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "https://toys.example.test/", "--kind", "toy", "--set", "answer=7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["code"] == 7


def test_a_preset_is_found_by_the_api_and_by_the_admin(api: Api, boss: Client) -> None:
    assert "toybox" in [preset["name"] for preset in api("GET", "presets")[1]["results"]]
    assert api("GET", "presets/Toy-Box")[1]["title"] == "Toy box"
    assert api("POST", "monitors", {"preset": "box of toys", "address": "http://toys.example.test:1"})[0] == 201
    page = "/admin/monitors/monitor/add/?kind=preset"
    assert "Toy box (toybox): Toys answer." in boss.get(page).content.decode()
    boss.post(page, new_monitor(preset="toybox", name="mine", address="http://t.example.test"))
    assert set(Monitor.objects.values_list("name", flat=True)) == {"Toy box", "mine"}


def test_a_preset_is_found_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--list-presets"]) == 0
    assert "Toys answer." in capsys.readouterr().out
    assert main(["check", "--preset", "toybox", "--address", "http://127.0.0.1:9", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "refused"


def test_a_channel_is_found_by_the_api_and_in_its_schema(api: Api) -> None:
    (page,) = [kind for kind in api("GET", "channels/kinds")[1]["results"] if kind["kind"] == "pigeon"]
    assert (page["name"], page["config"][0]["words"]) == ("Carrier pigeon", "Where the pigeon lives.")
    wanted = {"name": "by api", "kind": "pigeon", "config": {"loft": "roof"}}
    assert api("POST", "channels", wanted)[0] == 201
    assert api("POST", "channels", {**wanted, "name": "bad", "config": {}})[0] == 400
    assert [found["name"] for found in api("GET", "channels?kind=pigeon")[1]["results"]] == ["by api"]
    schema = api.client.get("/api/schema/?format=json", headers={"authorization": f"Bearer {api.plain}"}).json()
    choices = [found["enum"] for found in schema["components"]["schemas"].values() if "pigeon" in found.get("enum", ())]
    assert choices == [list(CHANNELS)]


def test_a_channel_is_found_by_the_admin(boss: Client) -> None:
    page = boss.get("/admin/alerts/channel/add/").content.decode()
    assert '<a href="?kind=pigeon">Carrier pigeon: Flies to its loft.</a>' in page
    written = {"name": "by admin", "config.loft": "roof", "team": default_team().pk, "self_test_minutes": "0"}
    boss.post("/admin/alerts/channel/add/?kind=pigeon", written)
    assert Channel.objects.get().get_kind_display() == "Carrier pigeon"


def test_a_channel_is_found_by_the_command_line_and_sends(capsys: pytest.CaptureFixture[str]) -> None:
    Channel.objects.create(team=default_team(), name="Ops", kind="pigeon", config={"loft": "roof"})
    assert main(["channel", "kinds", "pigeon"]) == 0
    assert "config loft: Where the pigeon lives." in capsys.readouterr().out
    assert main(["channel", "test", "Ops"]) == 0
    assert "flown to roof" in capsys.readouterr().out


def test_a_new_kind_of_channel_needs_no_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
