"""Modules of blackbox_exporter: those that it brings along, and fields that no check here has. Pure."""

from __future__ import annotations

from typing import Any

#: Modules of the file that blackbox_exporter brings along.
USUAL: dict[str, Any] = {
    "http_2xx": {"prober": "http"},
    "http_post_2xx": {"prober": "http", "http": {"method": "POST"}},
    "tcp_connect": {"prober": "tcp"},
    "pop3s_banner": {"prober": "tcp", "tcp": {"query_response": [{"expect": "^+OK"}], "tls": True}},
    "grpc": {"prober": "grpc", "grpc": {"tls": True}},
    "grpc_plain": {"prober": "grpc", "grpc": {"tls": False, "service": "service1"}},
    "ssh_banner": {"prober": "tcp", "tcp": {"query_response": [{"expect": "^SSH-2.0-"}]}},
    "icmp": {"prober": "icmp"},
    "icmp_ttl5": {"prober": "icmp", "icmp": {"ttl": 5}},
}
#: Fields that are read, or that change nothing here.
_TLS = {"tls", "tls_config", "preferred_ip_protocol", "ip_protocol_fallback", "query_response"}
_READ: dict[str, set[str]] = {
    "http": {
        "valid_status_codes", "valid_http_versions", "preferred_ip_protocol", "ip_protocol_fallback", "method",
        "no_follow_redirects", "follow_redirects", "fail_if_ssl", "fail_if_not_ssl", "headers", "http_headers",
        "fail_if_body_matches_regexp", "fail_if_body_not_matches_regexp", "fail_if_body_json_matches_cel",
        "fail_if_body_json_not_matches_cel", "fail_if_header_matches", "fail_if_header_not_matches",
        "fail_if_header_matches_regexp", "fail_if_header_not_matches_regexp", "body", "body_file", "basic_auth",
        "authorization", "bearer_token", "bearer_token_file", "oauth2", "tls_config", "proxy_url", "enable_http2",
        "enable_http3", "no_proxy", "proxy_connect_header", "skip_resolve_phase_with_proxy",
    },
    "tcp": _TLS,
    "websocket": {"http_config", "headers", *_TLS},
    "icmp": {"preferred_ip_protocol", "ip_protocol_fallback"},
    "grpc": {"service", "metadata", *_TLS},
    "dns": {
        "query_name", "query_type", "valid_rcodes", "validate_answer_rrs", "validate_authority_rrs", "dns_over_tls",
        "validate_additional_rrs", "preferred_ip_protocol", "ip_protocol_fallback", "tls_config", "recursion_desired",
    },
}  # fmt: skip
_USUAL_VALUES: tuple[Any, ...] = (None, "", [], {}, 0, "udp", "IN")


def note_on_rest(prober: str, settings: dict[str, Any]) -> str:
    """One line on the fields of a module that are left out; "" for none."""
    rest = sorted(
        name[:40] for name, value in settings.items() if name not in _READ[prober] and value not in _USUAL_VALUES
    )
    return f"{', '.join(f'`{name}`' for name in rest[:8])} of its module: left out" if rest else ""
