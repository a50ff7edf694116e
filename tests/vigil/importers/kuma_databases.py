"""Databases of Uptime Kuma by the age of its schema, with the columns that each age has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Columns of `monitor` by the release that brought them; a database has those of its age and before.
MONITOR_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "1.0": ("name", "active", "user_id", "interval", "url", "type", "weight", "hostname", "port", "created_date",
            "keyword", "maxretries", "ignore_tls", "upside_down", "maxredirects", "accepted_statuscodes_json",
            "dns_resolve_type", "dns_resolve_server", "dns_last_result", "retry_interval", "push_token"),
    "1.23": ("method", "body", "headers", "basic_auth_user", "basic_auth_pass", "docker_host", "docker_container",
             "proxy_id", "expiry_notification", "mqtt_topic", "mqtt_success_message", "mqtt_username", "mqtt_password",
             "database_connection_string", "database_query", "auth_method", "grpc_url", "grpc_protobuf", "grpc_body",
             "grpc_method", "grpc_service_name", "grpc_enable_tls", "radius_username", "resend_interval",
             "packet_size", "game", "parent", "invert_keyword", "json_path", "expected_value", "tls_ca", "tls_cert",
             "tls_key", "timeout", "http_body_encoding", "description", "oauth_client_id", "kafka_producer_brokers"),
    "2.0": ("conditions", "json_path_operator", "cache_bust", "rabbitmq_nodes", "rabbitmq_username",
            "rabbitmq_password", "smtp_security", "snmp_oid", "remote_browser", "ping_count", "manual_status"),
    "2.1": ("ip_family", "ws_subprotocol", "domain_expiry_notification", "save_response"),
    "2.4": ("expected_tls_alert", "bearer_token", "gamedig_token", "subtype", "location"),
}  # fmt: skip
_AGES = list(MONITOR_COLUMNS)


def database(path: Path, age: str, monitors: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Path:
    """A database of an age; each of `tables` has the columns of its first row. Returns its path."""
    columns = [name for since in _AGES[: _AGES.index(age) + 1] for name in MONITOR_COLUMNS[since]]
    with sqlite3.connect(path) as made:
        made.execute(f"CREATE TABLE monitor (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        for row in monitors:
            _insert(made, "monitor", row)
        for name, rows in tables.items():
            made.execute(f"CREATE TABLE [{name}] ({', '.join(f'[{column}]' for column in rows[0])})")
            for row in rows:
                _insert(made, name, row)
    made.close()
    return path


def notification(id: int, name: str, **config: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "active": 1, "config": json.dumps({"name": name, **config})}


def _insert(made: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(f"[{name}]" for name in row)
    made.execute(f"INSERT INTO [{table}] ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
