"""Kinds of monitors over the API: each describes itself well enough to be made."""

from __future__ import annotations

import jsonschema_rs
import pytest

from probes.probers import PROBERS, SpecError, validate_secrets
from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team

pytestmark = pytest.mark.django_db


def test_the_example_of_every_kind_keeps_to_its_schema_and_makes_a_monitor() -> None:
    api = Api(default_team())
    status, answer = api("GET", "monitors/kinds")
    kinds = answer["results"]
    assert (status, [kind["kind"] for kind in kinds]) == (200, sorted(PROBERS))
    for kind in kinds:
        jsonschema_rs.Draft202012Validator(kind["schema"]).validate(kind["example"])
        wanted = {"name": kind["kind"], "kind": kind["kind"], "config": kind["example"]}
        status, made = api("POST", "monitors", wanted)
        assert (status, made.get("config")) == (201, kind["example"]), made
        assert made["interval_s"] == max(60, kind["least_interval_s"])
        items = [{**wanted, "name": f"{kind['kind']} of many"}]
        assert api("POST", "monitors/bulk", {"action": "create", "items": items})[0] == 200, kind["kind"]


def refusal(kind: str, name: str) -> str:
    try:
        validate_secrets(kind, {name: "a:b"})
    except SpecError as refused:
        return refused.problem
    return ""


def test_a_kind_names_the_secrets_that_it_takes_and_no_other() -> None:
    for kind in Api(default_team())("GET", "monitors/kinds")[1]["results"]:
        for secret in kind["secrets"]:
            name = secret["name"].replace("<Name>", "X-Key")
            # Some come in pairs, or in a form of their own: their names are known all the same.
            assert f"{name!r} is not" not in refusal(kind["kind"], name)
        assert refusal(kind["kind"], "unheard-of")
