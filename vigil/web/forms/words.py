"""Words of settings in forms: label, hint, unit; and which of them a form shows first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingWords:
    """Words of one setting."""

    label: str
    hint: str = ""
    unit: str = ""


WORDS: Mapping[str, SettingWords] = {
    "url": SettingWords("Address", "Every region looks at it, such as https://api.example.com/health."),
    "host": SettingWords("Host", "A name or an address, without a scheme."),
    "port": SettingWords("Port"),
    "name": SettingWords("Name"),
    "domain": SettingWords("Domain", "The registered name, such as example.com."),
    "method": SettingWords("Method"),
    "headers": SettingWords("Headers", "One a line, as in Accept: application/json. Keep keys below, as secrets."),
    "body": SettingWords("Body", "Sent as it is."),
    "expected_status": SettingWords("Expected status", "Codes and ranges, one a line, such as 200 or 200-299."),
    "follow_redirects": SettingWords("Follow redirects"),
    "redirect_limit": SettingWords("Redirects followed at most"),
    "body_limit": SettingWords("Read at most", "0 judges by the head alone.", "bytes"),
    "provider": SettingWords("Provider", "The preset by whose rules answers are read, such as openai."),
    "traceparent": SettingWords("Send a trace id", "The header traceparent, to this address alone."),
    "billing_acknowledged": SettingWords("Every check may cost money, and that is meant"),
    "verify_tls": SettingWords("Verify the certificate"),
    "ca_pem": SettingWords("Trusted authorities", "Certificates as PEM, instead of the system's."),
    "server_name": SettingWords("Server name", "Sent and verified instead of the host."),
    "min_tls": SettingWords("Least TLS version"),
    "family": SettingWords("Addresses", "Either takes the first to answer, each looks over IPv4 and IPv6."),
    "tls": SettingWords("With TLS"),
    "send": SettingWords("Send", "Goes out as it is."),
    "expect": SettingWords("Expect", "A text that must come back."),
    "degraded_days": SettingWords("Degraded below", "", "days"),
    "down_days": SettingWords("Down below", "", "days"),
    "echoes": SettingWords("Echoes", "One answer is enough."),
    "tcp_port": SettingWords("TCP port instead", "Where echoes are not permitted; 0 for none."),
    "record": SettingWords("Record"),
    "resolver": SettingWords("Resolver", "An address, such as 192.0.2.53; empty for the region's own."),
    "expected": SettingWords("Expected values", "One a line."),
    "match": SettingWords("They match if", "Any of the values is there, or all of them and nothing else."),
    "server": SettingWords("RDAP server", "Only for registries that IANA's list leaves out."),
    "service": SettingWords("Service", "Its full name, such as package.Service; empty for the whole server."),
    "subprotocol": SettingWords("Subprotocol", "The server must choose it."),
    "user": SettingWords("User"),
    "database": SettingWords("Database"),
    "engine": SettingWords("Engine"),
    "starttls": SettingWords("STARTTLS", "A protocol that begins in clear."),
    "waiting_most": SettingWords("Waiting at most", "", "requests"),
    "cache_most": SettingWords("Cache in use at most", "A part of 1, such as 0.95."),
    "busy_samples": SettingWords("Busy after", "", "checks in a row"),
    "stalled_s": SettingWords("Stalled after", "", "s"),
    "form": SettingWords("Form of the API"),
    "model": SettingWords("Model", "As the API names it."),
    "monthly_budget": SettingWords("Budget of a month", "Where it stops until the next month.", "US dollars"),
    "input_price": SettingWords("Price of input", "Empty for the known price.", "US dollars for a million tokens"),
    "output_price": SettingWords("Price of output", "Hidden reasoning is output.", "US dollars for a million tokens"),
    "prompt": SettingWords("Prompt", "One short question."),
    "max_tokens": SettingWords("Longest answer", "A model that reasons needs more.", "tokens"),
    "temperature": SettingWords("Temperature", "Empty leaves it to the model: some refuse 0."),
    "expect_text": SettingWords("The answer holds", "Whatever the letters' case."),
    "expect_json": SettingWords("The answer is JSON"),
    "length_least": SettingWords("Length at least", "", "characters"),
    "length_most": SettingWords("Length at most", "0 for no limit.", "characters"),
    "tool": SettingWords("The answer calls the tool", "The name of a function."),
    "tool_description": SettingWords("What the tool does"),
    "tool_parameters": SettingWords("Parameters of the tool", "JSON Schema of an object."),
    "tool_arguments": SettingWords("With exactly these arguments", 'A JSON object, such as {"city": "Paris"}.'),
    "same_model": SettingWords("The answer is from the model that was asked"),
    "may_refuse": SettingWords("It may refuse"),
    "first_token_s": SettingWords("First token within", "0 for no limit.", "s"),
    "stall_s": SettingWords("No stall longer than", "0 for no limit.", "s"),
    "gap_p95_s": SettingWords("95 % of the gaps within", "0 for no limit.", "s"),
    "tokens_per_s": SettingWords("Tokens a second at least", "0 for no limit."),
    "bad_answers": SettingWords("Degraded by", "", "bad answers"),
    "of_answers": SettingWords("Of the last", "", "answers"),
    "running_most": SettingWords("Running at most", "0 for no limit.", "requests"),
    "queue_age_most_s": SettingWords("Oldest request waits at most", "0 for no limit.", "s"),
    "preemptions_most": SettingWords("Preempted at most, in a minute", "0 for no limit.", "requests"),
    "engines_least": SettingWords("Engines at least", "0 for as many as there were.", "engines"),
    "transport": SettingWords("Transport", "Sse is the one of 2024: answers come over a stream of their own."),
    "protocol": SettingWords("Protocol", "Auto tries the one without a handshake first."),
    "expected_tools": SettingWords("Tools that must be there", "One a line."),
    "call": SettingWords("Safe call", "A tool that each check calls; it must say that it only reads."),
    "arguments": SettingWords("Its arguments", 'An object in JSON, such as {"query": "status"}.'),
    "call_confirmed": SettingWords("Its name again", "Only to call a tool that may do more than read."),
    "call_expect": SettingWords("Its answer holds", "A text; empty for any answer that is no error."),
    "text": SettingWords("Text"),
    "pattern": SettingWords("Pattern", "RE2, such as ready|ok."),
    "path": SettingWords("JSON path", "Such as $.data[0].id."),
    "absent": SettingWords("It must not be there"),
    "exists": SettingWords("It must be there, whatever it holds"),
    "equals": SettingWords("Equals"),
    "contains": SettingWords("Contains"),
    "matches": SettingWords("Matches", "RE2."),
    "all_equal": SettingWords("All equal"),
    "count_min": SettingWords("How many at least"),
    "count_max": SettingWords("How many at most"),
    "at_least": SettingWords("At least"),
    "at_most": SettingWords("At most"),
    "min_bytes": SettingWords("At least", "", "bytes"),
    "max_bytes": SettingWords("At most", "0 for no limit.", "bytes"),
    "degraded_ms": SettingWords("Degraded from", "0 for no limit.", "ms"),
    "down_ms": SettingWords("Down from", "0 for no limit.", "ms"),
    "issuer": SettingWords("Issuer"),
    "gives": SettingWords("A failure makes it"),
    "reason": SettingWords("Reason", "Empty for the usual one."),
    "to": SettingWords("Addresses", "One a line."),
    "channel": SettingWords("Channel"),
    "api": SettingWords("Address of the API"),
}
#: Settings that stand first in a form, by kind; the rest is behind More.
FIRST: Mapping[str, tuple[str, ...]] = {
    "http": ("url", "expected_status"),
    "tcp": ("host", "port"),
    "tls": ("host", "port", "degraded_days", "down_days"),
    "icmp": ("host", "echoes"),
    "dns": ("name", "record"),
    "domain": ("domain", "degraded_days", "down_days"),
    "grpc": ("host", "port", "service"),
    "websocket": ("url",),
    "postgresql": ("host", "port", "user", "database"),
    "redis": ("host", "port"),
    "saturation": ("url", "engine"),
    "mcp": ("url", "expected_tools"),
    "canary": (
        "url",
        "form",
        "model",
        "monthly_budget",
        "billing_acknowledged",
        "input_price",
        "output_price",
        "prompt",
        "expect_text",
    ),
}
KINDS: Mapping[str, str] = {
    "http": "Address (HTTP)",
    "tcp": "TCP port",
    "tls": "Certificate (TLS)",
    "icmp": "Ping (ICMP)",
    "dns": "DNS record",
    "domain": "Domain's registration",
    "grpc": "gRPC service",
    "websocket": "WebSocket",
    "postgresql": "PostgreSQL",
    "redis": "Redis",
    "saturation": "Saturation of an inference server",
    "mcp": "MCP server",
    "canary": "Answers of a model (canary, costs money)",
}
ASSERTIONS: Mapping[str, str] = {
    "status": "Status code",
    "header": "Header",
    "body_contains": "Body contains",
    "regex": "Body matches",
    "body_size": "Size of the body",
    "jsonpath": "JSON path",
    "latency": "Latency",
    "certificate_days": "Days of the certificate",
    "certificate": "Certificate",
}


def words_of(name: str, said: str = "") -> SettingWords:
    """Words of a setting; `said` is the description that its struct gives."""
    known = WORDS.get(name)
    if known is None:
        return SettingWords(name.replace("_", " ").capitalize(), said)
    return SettingWords(known.label, said or known.hint, known.unit)
