"""HTTP monitors of Uptime Kuma: plain, with a keyword, with a JSON query, WebSocket and browser. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.kuma.rows import KumaRows, Row
from vigil.importers.core.paths import BadExpression, of_jsonata
from vigil.importers.core.requests import header_pairs, request_of, status_codes
from vigil.importers.core.values import entries, from_json, number, scalar, text, truth, whole

_ENCODINGS = {"form": "application/x-www-form-urlencoded", "xml": "text/xml; charset=utf-8"}
_REDIRECTS_MOST = 50
NO_TOKENS = "it fetches a token before each check: give the monitor a long-lived token as its secret `bearer`"


def http_monitor(draft: Draft, rows: KumaRows, row: Row, origin: str) -> ImportedMonitor | str:
    """The monitor, or why there is none."""
    name, kind = text(row.get("name")), text(row.get("type"))
    if text(row.get("auth_method")) in ("oauth2-cc", "ntlm"):
        return NO_TOKENS if row["auth_method"] == "oauth2-cc" else "Vigil has no NTLM login"
    body = text(row.get("body")) if text(row.get("body")).strip() else ""
    headers = dict(header_pairs(from_json(row.get("headers"))))
    if body and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _ENCODINGS.get(text(row.get("http_body_encoding")), "application/json")
    request = request_of(draft.owner(name), text(row.get("url")), headers, body, text(row.get("method")))
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    config = monitor.config
    codes, unknown = status_codes(entries(from_json(row.get("accepted_statuscodes_json"))) or entries(
        row.get("accepted_statuscodes")
    ))  # fmt: skip
    config["expected_status"] = codes or ["200-299"]
    if unknown:
        monitor.notes.append(f"the status codes {', '.join(unknown)} are not understood and were left out")
    redirects = whole(row.get("maxredirects"))
    if redirects == 0:
        config["follow_redirects"] = False
    elif redirects is not None and redirects != 20:
        config["redirect_limit"] = min(max(redirects, 0), _REDIRECTS_MOST)
    add_login(draft, row, monitor)
    assertions = _assertions(rows, row, kind, config)
    if isinstance(assertions, str):
        return assertions
    if assertions:
        config["assertions"] = assertions
    _note(row, kind, monitor)
    return monitor


def websocket_monitor(draft: Draft, row: Row, origin: str) -> ImportedMonitor | str:
    name = text(row.get("name"))
    if text(row.get("auth_method")) == "oauth2-cc":
        return NO_TOKENS
    request = request_of(draft.owner(name), text(row.get("url")), from_json(row.get("headers")))
    config = request.config
    if text(row.get("ws_subprotocol")).strip():
        config["subprotocol"] = text(row["ws_subprotocol"]).split(",")[0].strip()
    monitor = ImportedMonitor(name, "websocket", config, origin, secrets=request.secrets, notes=request.notes)
    add_login(draft, row, monitor)
    if [text(each) for each in entries(from_json(row.get("accepted_statuscodes_json")))] not in ([], ["1000"]):
        monitor.notes.append("the upgrade is what counts here: codes with which the server closes are not compared")
    return monitor


def add_login(draft: Draft, row: Row, monitor: ImportedMonitor) -> None:
    """Login, client certificate, TLS and IP family, as the columns of every kind with a URL have them."""
    method = text(row.get("auth_method"))
    user, password = text(row.get("basic_auth_user")), text(row.get("basic_auth_pass"))
    # A header of its own comes after the login, and replaces it.
    is_given = "bearer" in monitor.secrets or any(each.lower() == "header.authorization" for each in monitor.secrets)
    # Before 1.18 there was no method, and a user alone meant basic.
    if (method == "basic" or (not method and user)) and not is_given:
        monitor.secrets["basic"] = f"{user}:{password}"
    elif method == "bearer" and not is_given:
        monitor.secrets.pop("basic", None)
        monitor.secrets["bearer"] = text(row.get("bearer_token"))
    elif method == "mtls":
        certificate, key = text(row.get("tls_cert")), text(row.get("tls_key"))
        if certificate and key:
            monitor.secrets |= {"client_certificate": certificate, "client_key": key}
        if text(row.get("tls_ca")).strip() and not truth(row.get("ignore_tls")):
            monitor.config["ca_pem"] = text(row["tls_ca"])
    if truth(row.get("ignore_tls")):
        monitor.config["verify_tls"] = False
    family = {"ipv4": "4", "ipv6": "6"}.get(text(row.get("ip_family")))
    if family:
        monitor.config["family"] = family


def _assertions(rows: KumaRows, row: Row, kind: str, config: dict[str, Any]) -> list[dict[str, Any]] | str:
    made: list[dict[str, Any]] = []
    if kind == "keyword" and text(row.get("keyword")):
        absent = {"absent": True} if truth(row.get("invert_keyword")) else {}
        made.append({"type": "body_contains", "text": text(row["keyword"]), **absent})
    if kind == "json-query":
        try:
            made.append(query_assertion(row))
        except BadExpression as bad:
            return str(bad)
    is_tls = str(config["url"]).startswith("https")
    if is_tls and truth(row.get("expiry_notification")) and not truth(row.get("ignore_tls")):
        made.append({"type": "certificate_days", "degraded_days": rows.expiry_days})
    return made


def query_assertion(row: Row) -> dict[str, Any]:
    """Assertion of a JSON query; raises `BadExpression`."""
    expected, operator = text(row.get("expected_value")), text(row.get("json_path_operator")) or "=="
    path = of_jsonata(text(row.get("json_path")))
    limit = number(expected)
    if operator == "==":
        return {"type": "jsonpath", "path": path, "equals": scalar(expected)}
    if operator == "contains":
        raise BadExpression("its JSON query looks for a part of a text: use an assertion `body_contains` or `regex`")
    if limit is None or operator not in ("<", "<=", ">", ">="):
        raise BadExpression(f"its JSON query compares by {operator[:10]!r} with {expected[:40]!r}: write an assertion")
    bound = {"<": {"at_most": limit - 1e-6}, "<=": {"at_most": limit}, ">": {"at_least": limit + 1e-6},
             ">=": {"at_least": limit}}[operator]  # fmt: skip
    return {"type": "jsonpath", "path": path, **bound}


def _note(row: Row, kind: str, monitor: ImportedMonitor) -> None:
    if kind == "real-browser":
        monitor.notes.append("the page is fetched and not run in a browser: scripts are not seen")
    if truth(row.get("cache_bust")):
        monitor.notes.append("no changing query is added against caches")
    if kind == "json-query" and any(each["type"] == "jsonpath" for each in monitor.config.get("assertions", [])):
        expected = next(each for each in monitor.config["assertions"] if each["type"] == "jsonpath").get("equals")
        if expected is not None and not isinstance(expected, str):
            monitor.notes.append(f"the value is compared as JSON's {text(expected)}, and not as a text")
