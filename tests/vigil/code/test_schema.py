"""The published JSON Schema takes what validation takes, and refuses what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from tests.vigil.code.core.test_document import BASE

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "ai-product.yaml"


def test_the_served_schema_checks_documents(client: Client, tmp_path: Path) -> None:
    served = client.get("/api/v1/schema.json")
    assert served.status_code == 200 and served.json()["$id"] == "http://testserver/api/v1/schema.json"
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(served.json()))
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(BASE + "regions: {eu-west: {domain: aws, egress: private}}\n")
    wrong = BASE + "regions: {EU: {domain: aws}, us: {egress: all, domain: b}}\n"
    wrong = wrong.replace("every: 1d", "every: 60").replace("host: db", "hoost: db").replace("default:", "dflt:")
    bad.write_text(wrong)
    check = [sys.executable, "-m", "check_jsonschema", "--output-format", "json", "--schemafile", str(schema)]
    passed = subprocess.run([*check, str(good), str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    failed = subprocess.run([*check, str(bad)], capture_output=True, text=True, check=False)
    paths = {error["path"] for error in json.loads(failed.stdout)["errors"]}
    wanted = {"$.heartbeats.nightly.every", "$.routes.last", "$.monitors.db.tcp", "$.regions", "$.regions.us.egress"}
    assert wanted <= paths, paths


@pytest.mark.django_db
def test_the_schema_needs_no_token_and_takes_no_body(client: Client) -> None:
    assert client.post("/api/v1/schema.json").status_code == 405
