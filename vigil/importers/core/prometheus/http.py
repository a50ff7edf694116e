"""HTTP and WebSocket modules of blackbox_exporter. Pure."""

from __future__ import annotations

import re
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.requests import has_scheme, header_pairs, request_of, status_codes
from vigil.importers.core.values import entries, mapping, mappings, scalar, text, truth

Settings = dict[str, Any]
#: The one form of CEL that says what an assertion says.
_CEL = re.compile(
    r"body((?:\.[A-Za-z_]\w*)+)\s*==\s*(?:'([^']*)'|\"([^\"]*)\"|(true|false|-?\d+(?:\.\d+)?))\s*\Z", re.A
)


def http_monitor(draft: Draft, name: str, target: str, http: Settings, origin: str) -> ImportedMonitor | str:
    """The monitor of a target by an http module, or why there is none."""
    if http.get("oauth2"):
        return "its module fetches a token before each probe: give the monitor a long-lived one as its secret `bearer`"
    url = target if has_scheme(target) else f"http://{target}"
    headers = dict(header_pairs(http.get("headers")))
    for header, given in mapping(http.get("http_headers")).items():
        values = [*entries(mapping(given).get("values")), *entries(mapping(given).get("secrets"))]
        if values:
            headers[header] = text(values[0])
    request = request_of(draft.owner(name), url, headers, text(http.get("body")), text(http.get("method")))
    monitor = ImportedMonitor(name, "http", request.config, origin, secrets=request.secrets, notes=request.notes)
    codes, _ = status_codes(entries(http.get("valid_status_codes")))
    monitor.config["expected_status"] = codes or ["200-299"]
    if not truth(http.get("follow_redirects"), True) or truth(http.get("no_follow_redirects")):
        monitor.config["follow_redirects"] = False
    add_login(draft, http, monitor)
    add_tls(draft, mapping(http.get("tls_config")), monitor)
    add_family(http, monitor)
    assertions = [*_body(http, monitor), *_headers(http, monitor)]
    if truth(http.get("fail_if_not_ssl")) and not url.startswith("https"):
        assertions.append({"type": "certificate_days", "down_days": 1})
        monitor.notes.append("that it is answered over TLS is seen by a certificate that is valid for a day")
    if assertions:
        monitor.config["assertions"] = assertions
    _note(http, monitor)
    return monitor


def websocket_monitor(draft: Draft, name: str, target: str, settings: Settings, origin: str) -> ImportedMonitor | str:
    http = mapping(settings.get("http_config") or settings)
    request = request_of(draft.owner(name), target if has_scheme(target) else f"ws://{target}", settings.get("headers"))
    monitor = ImportedMonitor(name, "websocket", request.config, origin, secrets=request.secrets)
    steps = list(mappings(settings.get("query_response")))
    if steps and steps[0].get("send"):
        monitor.config["send"] = text(steps[0]["send"])
    expects = [text(each["expect"]) for each in steps if text(each.get("expect"))]
    if expects:
        monitor.config["assertions"] = [{"type": "regex", "pattern": expects[0]}]
    if len(steps) > 2:
        monitor.notes.append("only the first question and answer of its module are asked")
    add_login(draft, http, monitor)
    add_tls(draft, mapping(http.get("tls_config")), monitor)
    return monitor


def add_login(draft: Draft, settings: Settings, monitor: ImportedMonitor) -> None:
    """Basic, bearer and other authorization of a client of Prometheus; one in a file becomes a variable."""
    basic, other = mapping(settings.get("basic_auth")), mapping(settings.get("authorization"))
    if basic:
        password = text(basic.get("password"))
        if basic.get("password_file"):
            password = draft.variables.of_source(_variable(monitor, "PASSWORD"), f"{basic['password_file']}")
        monitor.secrets["basic"] = f"{text(basic.get('username'))}:{password}"
    kind = text(other.get("type")) or "Bearer"
    token = text(other.get("credentials")) or text(settings.get("bearer_token"))
    file = text(other.get("credentials_file")) or text(settings.get("bearer_token_file"))
    if file and not token:
        token = draft.variables.of_source(_variable(monitor, "TOKEN"), f"the content of {file[:100]}")
    if token and kind.lower() == "bearer":
        monitor.secrets["bearer"] = token
    elif token:
        monitor.secrets["header.Authorization"] = f"{kind} {token}"


def add_tls(draft: Draft, tls: Settings, monitor: ImportedMonitor) -> None:
    if truth(tls.get("insecure_skip_verify")):
        monitor.config["verify_tls"] = False
    if text(tls.get("server_name")):
        monitor.config["server_name"] = text(tls["server_name"])
    if text(tls.get("ca")) and not truth(tls.get("insecure_skip_verify")):
        monitor.config["ca_pem"] = text(tls["ca"])
    elif text(tls.get("ca_file")):
        monitor.notes.append(f"give the content of {text(tls['ca_file'])[:100]} as `ca_pem`: it is not in this file")
    if text(tls.get("cert_file")) or text(tls.get("cert")):
        for part, field in (("client_certificate", "cert"), ("client_key", "key")):
            held = f"the content of {text(tls.get(f'{field}_file'))[:100]}"
            reference = draft.variables.of_source(_variable(monitor, part.upper()), held)
            monitor.secrets[part] = text(tls.get(field)) or reference


def add_family(settings: Settings, monitor: ImportedMonitor) -> None:
    """Only a family without a way back is asked for."""
    family = {"ip4": "4", "ip6": "6"}.get(text(settings.get("preferred_ip_protocol")))
    if family and not truth(settings.get("ip_protocol_fallback"), True):
        monitor.config["family"] = family


def _variable(monitor: ImportedMonitor, part: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", f"{monitor.name.upper()}_{part}").strip("_")[-100:].lstrip("0123456789_")


def _body(http: Settings, monitor: ImportedMonitor) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for pattern in entries(http.get("fail_if_body_matches_regexp")):
        made.append({"type": "regex", "pattern": text(pattern), "absent": True})
    for pattern in entries(http.get("fail_if_body_not_matches_regexp")):
        made.append({"type": "regex", "pattern": text(pattern)})
    wanted = _CEL.match(text(http.get("fail_if_body_json_not_matches_cel")).strip())
    if wanted:
        value = scalar(wanted[4]) if wanted[4] else (wanted[2] if wanted[2] is not None else wanted[3])
        made.append({"type": "jsonpath", "path": f"${wanted[1]}", "equals": value})
    elif http.get("fail_if_body_json_not_matches_cel") or http.get("fail_if_body_json_matches_cel"):
        monitor.notes.append("its CEL expression on the body is left out: write an assertion `jsonpath`")
    return made


def _headers(http: Settings, monitor: ImportedMonitor) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for each in mappings(http.get("fail_if_header_not_matches") or http.get("fail_if_header_not_matches_regexp")):
        if truth(each.get("allow_missing")):
            monitor.notes.append(f"the header {text(each.get('header'))} is not asked for, since it may be missing")
        else:
            made.append({"type": "header", "name": text(each.get("header")), "matches": text(each.get("regexp"))})
    for each in mappings(http.get("fail_if_header_matches") or http.get("fail_if_header_matches_regexp")):
        if text(each.get("regexp")) in (".*", ".+", ""):
            made.append({"type": "header", "name": text(each.get("header")), "absent": True})
        else:
            monitor.notes.append(f"that the header {text(each.get('header'))} must not match is left out")
    return made


def _note(http: Settings, monitor: ImportedMonitor) -> None:
    for field, note in (
        ("proxy_url", "it is checked directly, without its proxy"),
        ("body_file", "its body is in a file of its own, which is left out"),
        ("fail_if_ssl", "that it must not use TLS is left out"),
        ("valid_http_versions", "the version of HTTP is left out"),
        ("enable_http3", "it is asked by HTTP/1.1 or 2, and not by HTTP/3"),
    ):
        if http.get(field):
            monitor.notes.append(note)
