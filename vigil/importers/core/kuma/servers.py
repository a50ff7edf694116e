"""Server monitors of Uptime Kuma: databases, brokers, mail and gRPC, out of connection strings. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.kuma.rows import Row
from vigil.importers.core.requests import host_and_port
from vigil.importers.core.values import entries, from_json, text, whole

_PORT_ONLY = "only that the port accepts connections is seen: {} is not asked"
#: Keys of an ADO connection string.
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*([^;]*)")
#: The servers after the first one, of `mongodb://a:1,b:2/db`.
_OTHER_HOSTS = re.compile(r"(?<=[\w\]])(?:,[\w.\-\[\]:]+)+(?=[/?]|$)")
_SECURE_TLS = {"require", "verify-ca", "verify-full", "true"}


def _postgres(row: Row, origin: str) -> ImportedMonitor | str:
    parts = _split(row)
    if parts is None or not parts.hostname:
        return "its connection string is no postgres:// address"
    config: dict[str, Any] = {"host": parts.hostname, "port": parts.port or 5432}
    if parts.username:
        config["user"] = unquote(parts.username)
    if parts.path.strip("/"):
        config["database"] = unquote(parts.path.strip("/"))
    asked = parse_qs(parts.query)
    mode = (asked.get("sslmode") or asked.get("ssl") or [""])[0]
    if mode in _SECURE_TLS:
        config["tls"] = True
        if mode == "require":
            config["verify_tls"] = False
    monitor = ImportedMonitor(text(row.get("name")), "postgresql", config, origin)
    if parts.password:
        monitor.secrets["password"] = unquote(parts.password)
        # A password alone is split at its first colon.
        monitor.secrets["username"] = unquote(parts.username or "postgres")
    if text(row.get("database_query")).strip() not in ("", "SELECT 1", "select 1"):
        monitor.notes.append("its query is not run: the login is what it sees")
    return monitor


def _redis(row: Row, origin: str) -> ImportedMonitor | str:
    parts = _split(row)
    if parts is None or not parts.hostname:
        return "its connection string is no redis:// address"
    config: dict[str, Any] = {"host": parts.hostname, "port": parts.port or 6379}
    if parts.scheme == "rediss":
        config["tls"] = True
    monitor = ImportedMonitor(text(row.get("name")), "redis", config, origin)
    if parts.password:
        monitor.secrets["password"] = unquote(parts.password)
        monitor.secrets["username"] = unquote(parts.username or "")
        if not monitor.secrets["username"]:
            del monitor.secrets["username"]
            monitor.secrets["password"] = ":" + monitor.secrets["password"]
    return monitor


def _by_url(port: int, what: str) -> Callable[[Row, str], ImportedMonitor | str]:
    """A server of which only the port can be watched, by the address in its connection string."""

    def made(row: Row, origin: str) -> ImportedMonitor | str:
        parts = _split(row)
        if parts is None or not parts.hostname:
            return "its connection string holds no host"
        config = {"host": parts.hostname, "port": parts.port or port}
        note = _PORT_ONLY.format(what)
        if _OTHER_HOSTS.search(text(row.get("database_connection_string"))):
            note += ", and only of the first server"
        if parts.scheme.endswith("+srv"):
            return "its servers are found by an SRV record: add a monitor for each"
        return ImportedMonitor(text(row.get("name")), "tcp", config, origin, notes=[note])

    return made


def _sqlserver(row: Row, origin: str) -> ImportedMonitor | str:
    pairs = {key.lower(): value for key, value in _PAIR.findall(text(row.get("database_connection_string")))}
    server = next((pairs[key] for key in ("server", "data source", "addr", "address") if pairs.get(key)), "")
    host, _, port = server.removeprefix("tcp:").partition(",")
    if not host:
        return "its connection string names no Server"
    config = {"host": host.partition("\\")[0].strip(), "port": whole(port) or 1433}
    note = _PORT_ONLY.format("the database")
    return ImportedMonitor(text(row.get("name")), "tcp", config, origin, notes=[note])


def _oracle(row: Row, origin: str) -> ImportedMonitor | str:
    host, port = host_and_port(text(row.get("database_connection_string")), 1521)
    note = _PORT_ONLY.format("the database")
    return ImportedMonitor(text(row.get("name")), "tcp", {"host": host, "port": port}, origin, notes=[note])


def _mqtt(row: Row, origin: str) -> ImportedMonitor:
    written = text(row.get("hostname"))
    scheme = written.partition("://")[0].lower() if "://" in written else "mqtt"
    secure = scheme in ("mqtts", "ssl", "tls", "wss", "https")
    host, port = host_and_port(written)
    config: dict[str, Any] = {"host": host, "port": whole(row.get("port")) or port or (8883 if secure else 1883)}
    if secure:
        config["tls"] = True
    note = _PORT_ONLY.format("the topic")
    return ImportedMonitor(text(row.get("name")), "tcp", config, origin, notes=[note])


def _kafka(row: Row, origin: str) -> ImportedMonitor | str:
    brokers = [text(each) for each in entries(from_json(row.get("kafka_producer_brokers"))) if text(each)]
    if not brokers:
        return "it names no broker"
    host, port = host_and_port(brokers[0], 9092)
    note = _PORT_ONLY.format("the topic") + (", and only of the first broker" if len(brokers) > 1 else "")
    return ImportedMonitor(text(row.get("name")), "tcp", {"host": host, "port": port}, origin, notes=[note])


def _grpc(row: Row, origin: str) -> ImportedMonitor:
    host, port = host_and_port(text(row.get("grpc_url")), 443)
    secure = bool(whole(row.get("grpc_enable_tls")) or row.get("grpc_enable_tls") is True)
    name = text(row.get("name"))
    if text(row.get("grpc_service_name")).endswith("Health"):
        service = from_json(row.get("grpc_body"))
        config: dict[str, Any] = {"host": host, "port": port, "tls": secure}
        if isinstance(service, dict) and service.get("service"):
            config["service"] = text(service["service"])
        return ImportedMonitor(name, "grpc", config, origin)
    config = {"host": host, "port": port} | ({"tls": True} if secure else {})
    note = "only that the port accepts is seen: Vigil asks the standard health service of gRPC (kind `grpc`) alone"
    return ImportedMonitor(name, "tcp", config, origin, notes=[note])


def _smtp(row: Row, origin: str) -> ImportedMonitor:
    security, host = text(row.get("smtp_security")), host_and_port(text(row.get("hostname")))[0]
    name = text(row.get("name"))
    if security == "starttls":
        config: dict[str, Any] = {"host": host, "port": whole(row.get("port")) or 25, "starttls": "smtp"}
        return ImportedMonitor(name, "tls", config | {"degraded_days": 14, "down_days": 0}, origin)
    config = {"host": host, "port": whole(row.get("port")) or (465 if security == "secure" else 25), "expect": "220"}
    if security == "secure":
        config["tls"] = True
    return ImportedMonitor(name, "tcp", config, origin)


def _split(row: Row) -> Any:
    """Parts of the connection string; of several servers, those of the first."""
    try:
        written = _OTHER_HOSTS.sub("", text(row.get("database_connection_string")).strip(), count=1)
        parts = urlsplit(written)
        return parts if parts.port is not None or parts.hostname else None
    except ValueError:
        return None


SERVERS: dict[str, Callable[[Row, str], ImportedMonitor | str]] = {
    "postgres": _postgres, "redis": _redis, "mysql": _by_url(3306, "the database"),
    "mongodb": _by_url(27017, "the database"), "sqlserver": _sqlserver, "oracledb": _oracle, "mqtt": _mqtt,
    "kafka-producer": _kafka, "grpc-keyword": _grpc, "smtp": _smtp,
}  # fmt: skip
