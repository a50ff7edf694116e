"""Uptime Kuma: databases of several ages, the backup of version 1, and what neither may do."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import golden, imported, written
from tests.vigil.importers.kuma_databases import database, notification
from vigil.importers.core.report import ItemOutcome, SourceError

HOOK = "https://hooks.slack.com/services/T000/B000/obviously-fake"
SITE = {
    "id": 1, "name": "Shop", "type": "http", "url": "https://shop.example/health", "interval": 60, "active": 1,
    "maxretries": 1, "retry_interval": 30, "maxredirects": 10, "accepted_statuscodes_json": '["200-299","301"]',
}  # fmt: skip


def v2(path: Path) -> Path:
    keyword = SITE | {
        "type": "keyword", "keyword": "all is well", "basic_auth_user": "bot", "basic_auth_pass": "obviously-fake",
        "auth_method": "basic", "ignore_tls": 1, "parent": 3, "timeout": 48,
    }  # fmt: skip
    monitors = [
        keyword,
        {"id": 2, "name": "nightly", "type": "push", "interval": 3600, "maxretries": 2, "retry_interval": 60}
        | {"parent": 3},
        {"id": 3, "name": "EU", "type": "group", "active": 1},
        {"id": 4, "name": "container", "type": "docker", "docker_container": "web"},
    ]
    return database(
        path, "2.4", monitors,
        notification=[notification(1, "Ops", type="slack", slackwebhookURL=HOOK)],
        monitor_notification=[{"monitor_id": 1, "notification_id": 1}, {"monitor_id": 2, "notification_id": 1}],
        tag=[{"id": 1, "name": "team", "color": "red"}],
        monitor_tag=[{"monitor_id": 1, "tag_id": 1, "value": "core"}],
    )  # fmt: skip


def test_a_database_becomes_a_file_that_holds_no_secret(tmp_path: Path) -> None:
    made = imported("uptime-kuma", v2(tmp_path / "kuma.db"))
    assert made.text == golden("uptime-kuma")
    assert "obviously-fake" not in made.text + str(made.report.as_json())
    assert "let it call a heartbeat" in made.why("container")


@pytest.mark.parametrize("age", ["1.0", "1.23", "2.0", "2.1", "2.4"])
def test_a_database_of_any_age_is_read_by_the_columns_that_it_has(tmp_path: Path, age: str) -> None:
    made = imported("uptime-kuma", database(tmp_path / "kuma.db", age, [SITE]))
    http = made.document["monitors"]["shop"]["http"]
    assert http == {
        "url": "https://shop.example/health", "expected_status": ["200-299", "301"], "redirect_limit": 10
    }  # fmt: skip


def test_reading_leaves_the_folder_as_it_was_also_beside_a_log_that_is_in_use(tmp_path: Path) -> None:
    path = database(tmp_path / "kuma.db", "2.0", [SITE])
    with sqlite3.connect(path) as running:
        running.execute("PRAGMA journal_mode = WAL")
        running.execute("INSERT INTO monitor (id, name, type, url) VALUES (9, 'late', 'http', 'https://late.example')")
        running.commit()
        before = path.read_bytes()
        assert set(imported("uptime-kuma", path).document["monitors"]) == {"shop", "late"}
        shutil.copytree(tmp_path, tmp_path / "copy")
    running.close()
    assert path.read_bytes()[:40] == before[:40]
    (tmp_path / "copy").chmod(0o500)
    try:
        assert "late" in imported("uptime-kuma", tmp_path / "copy").document["monitors"]
    finally:
        (tmp_path / "copy").chmod(0o700)


def test_the_backup_of_version_1_has_names_of_its_own(tmp_path: Path) -> None:
    monitor = {
        "id": 1, "name": "API", "type": "json-query", "url": "https://api.example/status", "interval": "20",
        "retryInterval": 20, "maxretries": 0, "jsonPath": "data.ready", "expectedValue": "true", "active": True,
        "accepted_statuscodes": ["200-299"], "notificationIDList": {"7": True}, "tags": [{"name": "prod", "value": ""}],
        "authMethod": "mtls", "headers": '{"X-Api-Key": "obviously-fake", "Accept": "application/json"}',
    }  # fmt: skip
    backup = {
        "version": "1.23.0", "monitorList": [monitor],
        "notificationList": [{"id": 7, "name": "Pager", "config": json.dumps(
            {"type": "PagerDuty", "pagerdutyIntegrationKey": "a" * 32})}],
    }  # fmt: skip
    path = written(tmp_path, "\ufeff" + json.dumps(backup, indent=1).replace("\n", "\r\n"), "backup.json")
    made = imported("uptime-kuma", path)
    api = made.document["monitors"]["api"]
    assert api["http"]["assertions"] == [{"type": "jsonpath", "path": "$.data.ready", "equals": True}]
    assert api["http"]["headers"] == [["Accept", "application/json"]]
    assert api["secrets"] == {"header.X-Api-Key": "${env:API_HEADER_X_API_KEY}"}
    assert (api["interval"], api["sensitivity"], api["tags"]) == ("20s", "high", ["prod"])
    assert made.document["routes"] == {"to-pager": {"channels": ["pager"], "goes_on": True}}


#: Rows of each type -> the kind that it becomes, "" where it is refused.
TYPES: list[tuple[dict[str, Any], str]] = [
    ({"type": "port", "hostname": "db.example", "port": 22}, "tcp"),
    ({"type": "ping", "hostname": "db.example"}, "icmp"),
    ({"type": "tailscale-ping", "hostname": "node"}, "icmp"),
    ({"type": "dns", "hostname": "example.com", "dns_resolve_type": "MX", "dns_resolve_server": "1.1.1.1"}, "dns"),
    ({"type": "postgres", "database_connection_string": "postgres://u:p@db.example/app"}, "postgresql"),
    ({"type": "redis", "database_connection_string": "rediss://:p@cache.example:6380"}, "redis"),
    ({"type": "mysql", "database_connection_string": "mysql://u:p@db.example/app"}, "tcp"),
    ({"type": "mongodb", "database_connection_string": "mongodb://u:p@m.example/app"}, "tcp"),
    ({"type": "sqlserver", "database_connection_string": "Server=sql.example,1444;User Id=a;Password=b"}, "tcp"),
    ({"type": "mqtt", "hostname": "mqtts://mq.example", "mqtt_topic": "a"}, "tcp"),
    ({"type": "kafka-producer", "kafka_producer_brokers": '["k.example:9092"]'}, "tcp"),
    ({"type": "grpc-keyword", "grpc_url": "g.example:50051", "grpc_service_name": "shop.Shop"}, "tcp"),
    ({"type": "grpc-keyword", "grpc_url": "g.example:50051", "grpc_service_name": "Health"}, "grpc"),
    ({"type": "real-browser", "url": "https://shop.example"}, "http"),
    ({"type": "websocket-upgrade", "url": "wss://shop.example/ws"}, "websocket"),
    ({"type": "smtp", "hostname": "mail.example", "smtp_security": "starttls"}, "tls"),
    ({"type": "rabbitmq", "rabbitmq_nodes": '["https://mq.example:15672"]', "rabbitmq_username": "u"}, "http"),
    ({"type": "gamedig", "hostname": "g.example"}, ""),
    ({"type": "radius", "hostname": "r.example"}, ""),
    ({"type": "something-new"}, ""),
    ({"type": "http", "url": "https://shop.example", "upside_down": 1}, ""),
    ({"type": "http", "url": "https://shop.example", "auth_method": "oauth2-cc"}, ""),
    ({"type": "http", "url": "not an address"}, ""),
]


def test_each_type_is_mapped_approximated_or_refused_with_why(tmp_path: Path) -> None:
    rows = [{"id": n, "name": f"row {n}", **row} for n, (row, _) in enumerate(TYPES, 1)]
    made = imported("uptime-kuma", database(tmp_path / "kuma.db", "2.4", rows))
    fields = {"name", "interval", "timeout", "secrets"}
    kinds = {entry["name"]: (entry.keys() - fields).pop() for entry in made.document["monitors"].values()}
    assert kinds == {f"row {n}": kind for n, (_, kind) in enumerate(TYPES, 1) if kind}
    assert all(item.notes for item in made.report.items if item.outcome is ItemOutcome.REFUSED)
    # A port alone is less than what was asked before, and says so.
    assert all("only that the port accepts" in made.why(f"row {n}") for n in (7, 8, 9, 10, 11, 12))


def test_a_maintenance_is_kept_and_a_status_page_is_named(tmp_path: Path) -> None:
    path = database(
        tmp_path / "kuma.db", "2.0", [SITE],
        maintenance=[{"id": 1, "title": "Sunday", "active": 1, "strategy": "recurring-weekday", "cron": "0 2 * * 0",
                      "duration": 3600, "timezone": "Europe/Berlin"}],
        monitor_maintenance=[{"monitor_id": 1, "maintenance_id": 1}],
        status_page=[{"id": 1, "slug": "public", "title": "Public"}],
    )  # fmt: skip
    made = imported("uptime-kuma", path)
    assert made.document["maintenance"]["sunday"] == {
        "name": "Sunday", "monitors": ["shop"], "cron": "0 2 * * 0", "duration": "1h",
        "zone": "Europe/Berlin",
    }  # fmt: skip
    assert made.item("Public").outcome is ItemOutcome.REFUSED


def test_names_of_the_source_reach_neither_the_readers_environment_nor_the_form_of_the_file(tmp_path: Path) -> None:
    hostile = SITE | {
        "name": "a\nchannels: {x: {}}\n# ${env:HOME} \ufdd0HOME\ufdd1",
        "url": "https://x.example/${env:HOME}",
    }
    made = imported("uptime-kuma", database(tmp_path / "kuma.db", "2.0", [hostile]))
    assert set(made.document) == {"version", "monitors"}
    (entry,) = made.document["monitors"].values()
    assert entry["http"]["url"] == "https://x.example/$${env:HOME}"
    assert made.report.variables == ()


def test_a_file_that_is_no_database_of_uptime_kuma_is_refused_in_one_line(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "view.db") as made:
        made.execute("CREATE TABLE other (id)")
        made.execute("CREATE VIEW monitor AS SELECT * FROM other")
    made.close()
    for content, why in (
        ((tmp_path / "view.db").read_bytes(), "no table `monitor`"),
        (b"SQLite format 3\x00" + b"\xff" * 4096, "damaged"),
        (b'{"version": "1", "other": []}', "neither a database nor a JSON backup"),
        (b"[" * 100_000, "nested too deeply|not JSON"),
        (b"", "is empty"),
    ):
        with pytest.raises(SourceError, match=why):
            imported("uptime-kuma", written(tmp_path, content, "kuma.db"))
