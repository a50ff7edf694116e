"""Target of a monitor in words, and the host whose checks are limited together. Pure."""

from __future__ import annotations

from vigil.monitors.core.clear_credentials import hidden_in_text


def target_of(config: object) -> str:
    """Target of a configuration, for people: an address without its query, and without keys in its path."""
    if not isinstance(config, dict):
        return "?"
    if config.get("url"):
        address = str(config["url"]).split("?")[0].split("#")[0]
        before, slashes, rest = address.rpartition("://")
        host, slash, path = rest.partition("/")
        return f"{before}{slashes}{host}{slash}{hidden_in_text(path)}"
    host = next((str(config[field]) for field in ("host", "domain", "name") if config.get(field)), "?")
    return f"{host}:{config['port']}" if config.get("port") else host


def host_of(target: str) -> str:
    """Host and port of a target, to limit concurrent checks of one host."""
    return target.partition("://")[2].partition("/")[0] or target
