"""Regions in a document: staff makes, changes and drains them, and no file holds a code."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tests.vigil.code.applying import applied, changes, planned
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.code.catalogue import catalogue
from vigil.code.core.document import read_document
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.core.tree import DocumentError
from vigil.code.export import export_document
from vigil.code.models import ManagedObject
from vigil.code.stored.rows import load_rows
from vigil.enrolment.codes import issue
from vigil.enrolment.models import EnrolmentCode
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db

TEXT = """version: 1
project: shop
regions:
  eu-west: {domain: aws, name: Dublin}
  us-east: {domain: gcp, egress: private, enabled: false}
monitors:
  api: {http: {url: "https://shop.example/"}, regions: [eu-west, us-east]}
"""
ALONE = TEXT.split("monitors:", 1)[0]


def test_regions_are_made_before_the_monitors_that_name_them_and_are_read_back_the_same(redis_url: str) -> None:
    plan = planned(TEXT, is_staff=True)
    assert changes(plan) == {"regions.eu-west": "create", "regions.us-east": "create", "monitors.api": "create"}
    assert plan.warnings == [
        f"regions.{name}: its worker is enrolled by the line that `region rotate {name}` prints"
        for name in ("eu-west", "us-east")
    ]
    assert not Region.objects.exists(), "a plan changes nothing"
    applied(TEXT, is_staff=True)
    found = {row.slug: (row.name, row.domain, row.egress, row.enabled) for row in Region.objects.all()}
    assert found == {"eu-west": ("Dublin", "aws", "public", True), "us-east": ("", "gcp", "private", False)}
    assert sorted(region.slug for region in Monitor.objects.get().regions.all()) == ["eu-west", "us-east"]
    assert not EnrolmentCode.objects.exists() and "vge_" not in json.dumps([plan.changes, plan.warnings])
    assert planned(TEXT).changes == [], "who changes nothing need not be staff"
    assert issue(Region.objects.get(slug="eu-west")).commands, "and the line of the worker is printed by hand"


def test_a_region_is_changed_field_by_field_and_what_is_not_given_stays() -> None:
    applied(TEXT, is_staff=True)
    Region.objects.filter(slug="eu-west").update(enabled=False)
    same = planned(TEXT)
    assert same.changes == [], "a region that was drained by hand stays so"
    assert same.warnings == [
        "regions.eu-west: it is drained and stays so; `enabled: true` sends it checks again",
    ]
    again = TEXT.replace("domain: aws, name: Dublin", "domain: ovh, enabled: true")
    assert changes(planned(again, is_staff=True)) == {
        "regions.eu-west": {"name": ("Dublin", "eu-west"), "domain": ("aws", "ovh"), "enabled": (False, True)}
    }
    applied(again, is_staff=True)
    row = Region.objects.get(slug="eu-west")
    assert (row.name, row.domain, row.enabled) == ("", "ovh", True)


def test_a_region_that_leaves_the_document_is_drained_and_never_deleted() -> None:
    applied(TEXT, is_staff=True)
    rest = TEXT.replace("  eu-west: {domain: aws, name: Dublin}\n", "").replace("[eu-west, us-east]", "[us-east]")
    assert changes(planned(rest)) == {"regions.eu-west": "keep", "monitors.api": changes(planned(rest))["monitors.api"]}
    with pytest.raises(DocumentError, match="only staff"):
        planned(rest, prune=True)
    plan = applied(rest, prune=True, is_staff=True)
    assert changes(plan)["regions.eu-west"] == "delete"
    assert plan.warnings[0] == "regions: the plan leaves no enabled region, so nothing is checked"
    assert "it is drained and no more; `region revoke eu-west` ends its worker" in plan.warnings[1]
    row = Region.objects.get(slug="eu-west")
    assert (row.enabled, row.domain) == (False, "aws")
    assert not planned(rest, prune=True, is_staff=True).changes


@pytest.mark.django_db(transaction=True)
def test_an_apply_locks_no_region_that_it_does_not_write() -> None:
    applied(TEXT, is_staff=True)
    with transaction.atomic():
        load_rows(default_team(), lock=True)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(_changes_a_region).result(timeout=30) == 1


def _changes_a_region() -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return Region.objects.filter(slug="eu-west").update(worker_boot="b")
    finally:
        connection.close()


def test_a_region_that_is_there_is_taken_over_by_staff_and_by_one_project() -> None:
    Region.objects.create(slug="eu-west", domain="aws", name="Dublin")
    Region.objects.create(slug="us-east", domain="gcp", egress="private", enabled=False)
    with pytest.raises(DocumentError, match="only staff"):
        planned(ALONE)
    assert planned(ALONE, is_staff=True).changes == []
    applied(ALONE, is_staff=True)
    assert set(ManagedObject.objects.values_list("section", "key", "public_id")) == {
        ("regions", "eu-west", "region:eu-west"), ("regions", "us-east", "region:us-east"),
    }  # fmt: skip
    other = Team.objects.create(name="Other", slug="other")
    for team, text in ((None, ALONE.replace("project: shop", "project: second")), (other, ALONE)):
        with pytest.raises(DocumentError, match="another project has this region"):
            planned(text, team, is_staff=True)
    moved = ALONE.replace("eu-west:", "eu-north:") + "moved: {eu-west: eu-north}\n"
    assert changes(planned(moved, is_staff=True)) == {"regions.eu-west": "keep", "regions.eu-north": "create"}


def test_an_export_has_regions_and_planning_it_changes_nothing() -> None:
    applied(TEXT, is_staff=True)
    Region.objects.create(slug="ap-south", domain="ovh")
    team = default_team()
    document = export_document(team, "shop")
    assert document["regions"] == {
        "eu-west": {"name": "Dublin", "domain": "aws"},
        "us-east": {"domain": "gcp", "egress": "private", "enabled": False},
    }
    assert "ap-south" not in export_document(team, "shop", everything=True)["regions"], "staff alone can plan it"
    whole = export_document(team, "shop", everything=True, is_staff=True)
    assert whole["regions"]["ap-south"] == {"domain": "ovh"}
    assert planned(to_yaml(whole), is_staff=True).changes == []
    applied(to_yaml(whole), is_staff=True)
    assert ManagedObject.objects.get(key="ap-south").public_id == "region:ap-south"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("EU-West: {domain: aws}", "a name here has lower-case letters"),
        ("eu.west: {domain: aws}", "a name here has lower-case letters"),
        ("eu-west: {domain: AWS Dublin}", "use 1 to 40 lower-case letters"),
        ("eu-west: {}", "domain is missing"),
        ("eu-west: {domain: aws, egress: all}", "is not one of public, private"),
        ("eu-west: {domain: aws, code: vge_x}", "unknown field 'code'"),
        ("eu-west: {domain: aws, enabled: yes}", "write true or false"),
    ],
)
def test_a_region_that_is_wrong_is_refused_offline(line: str, words: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_document(read_yaml(f"version: 1\nregions:\n  {line}\n", "vigil.yaml"), catalogue())
    assert words in str(refused.value)


def test_a_monitor_may_name_no_region_that_is_neither_there_nor_in_the_document() -> None:
    with pytest.raises(DocumentError, match="there is no region 'eu-wst': did you mean"):
        planned(TEXT.replace("[eu-west, us-east]", "[eu-wst]"), is_staff=True)
