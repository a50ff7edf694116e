"""The command `check`: what it prints, how it exits, and how it words a wrong question."""

from __future__ import annotations

import argparse
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from probes.prober import Observation
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from probes.wire import Fact, Phases
from vigil.cli.errors import CommandError
from vigil.cli.monitors import check
from vigil.cli.monitors.check_explanation import explained, lines
from vigil.cli.monitors.check_target import target_of
from vigil.cli.monitors.check_view import Look, render
from vigil.local.servers import ports

HEALTH = b'{"healthy_endpoints": [{}], "unhealthy_endpoints": [{}, {}], "healthy_count": 1, "unhealthy_count": 2}'


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = HEALTH if self.path == "/llm/health" else self.headers.get("X-Word", "").encode()
        self.send_response({"/broken": 503, "/moved": 302}.get(self.path, 200))
        if self.path == "/moved":
            self.send_header("Location", "/there")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    served.server_close()


def ran(*words: str) -> int:
    parser = argparse.ArgumentParser()
    check.add(parser)
    return check.run(parser.parse_args(words))


def test_a_target_that_is_up_exits_0_and_shows_its_phases(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(server + "/") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"UP  {server}/\n  ok 200")
    assert "connect" in shown
    assert "first byte" in shown
    assert "total" in shown


def test_a_broken_target_exits_1(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(server + "/broken") == 1
    assert capsys.readouterr().out.startswith("DOWN  ")


def test_nobody_listening_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"http://127.0.0.1:{ports.take_free_port()}/") == 1
    assert "refused" in capsys.readouterr().out


def test_a_tcp_target_is_dialled(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(server.replace("http://", "tcp://")) == 0
    assert capsys.readouterr().out.startswith("UP  tcp://")


def test_a_target_that_says_nothing_times_out_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert ran("--timeout", "0.2", f"http://127.0.0.1:{silent.getsockname()[1]}/") == 1
    assert "timeout" in capsys.readouterr().out


def test_headers_are_sent_and_json_is_one_object(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--json", "--header", "X-Word: hello", server + "/") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "up"
    assert told["facts"]["body_bytes"] == 5
    assert told["phases"]["total_us"] > 0


def test_a_public_egress_refuses_this_machine(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--egress", "public", server) == 1
    assert capsys.readouterr().out.startswith("UNKNOWN  ")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["ftp://example.com"], "'ftp://example.com' is no address of a check: write it with its scheme: http, https"),
        (["smtp://mail:25"], "such as tcp://mail:25"),
        (["example.com:443"], "such as https://example.com:443"),
        (["redis://:hush@cache"], "--secret-env password=VARIABLE"),
        (["postgresql://db/shop"], "--set database=NAME"),
        (["http://user:pass@example.com"], "url: "),
        (["http://0x7f.1/"], "url: "),
        (["tcp://example.com"], "tcp://host:port"),
        (["tcp://example.com:99999"], "port: "),
        (["--timeout", "0", "http://example.com"], "--timeout"),
        (["--timeout", "nan", "http://example.com"], "--timeout"),
        (["--header", "nonsense", "http://example.com"], "Name: value"),
        (["--header", "Host : a\nb", "http://example.com"], "headers: "),
        (["--header", "Authorization: x", "tcp://example.com:80"], "headers: "),
    ],
)
def test_a_wrong_question_is_one_clear_line(words: list[str], problem: str) -> None:
    with pytest.raises(CommandError) as refused:
        ran(*words)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_picture_of_a_check() -> None:
    phases = Phases(dns_us=12_000, connect_us=18_000, tls_us=30_000, first_byte_us=60_000, total_us=122_000)
    facts: dict[str, Fact] = {"address": "192.0.2.7", "certificate_days": 61}
    seen = Observation(Status.DOWN, Reason.HTTP_5XX, phases, 503, "Service Unavailable", facts)
    assert render(Look("https://example.com/", seen)) == (
        "DOWN  https://example.com/\n"
        "  http_5xx 503: Service Unavailable\n"
        "\n"
        "  dns        ━━━                                 12.0 ms\n"
        "  connect      ━━━━                              18.0 ms\n"
        "  tls               ━━━━━━━                      30.0 ms\n"
        "  first byte               ━━━━━━━━━━━━━━━       60.0 ms\n"
        "  total                                         122.0 ms\n"
        "\n"
        "  address           192.0.2.7\n"
        "  certificate days  61\n"
        "\n"
        "  In a monitor: an outage incident, once a quorum of regions sees it in every look.\n"
        "  The alert would be critical: answered with a server error."
        " Most voting regions agree, so this is not a network problem of one region.\n"
    )


def test_the_picture_of_a_check_that_never_began() -> None:
    seen = Observation(Status.UNKNOWN, Reason.BLOCKED, detail="a loopback address is refused")
    assert render(Look("http://127.0.0.1/", seen)) == (
        "UNKNOWN  http://127.0.0.1/\n"
        "  blocked: a loopback address is refused\n"
        "\n"
        "  total                                           0.0 ms\n"
        "\n"
        "  In a monitor: no vote. This says nothing about the target.\n"
    )


def test_a_preset_is_checked_with_a_key_from_the_environment(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_KEY", "obviously-fake")

    assert ran("--preset", "vllm", "--address", server, "--key-env", "SOME_KEY") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"UP  {server}/health\n")
    assert "obviously-fake" not in shown


def test_each_assertion_is_shown_with_what_was_found(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--preset", "litellm", "--address", server) == 1
    assert "  fails  a body with 'alive'; found " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name a URL, or a preset with --preset"),
        (["--preset", "opnai"], "--preset: there is no preset 'opnai': did you mean openai"),
        (["--preset", "openai"], "--key-env: OpenAI answers only with a key"),
        (["--preset", "openai", "--key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        (["--preset", "openai", "http://x"], "name a URL or a preset, not both"),
        (["--model", "x", "http://x"], "--model goes with --preset"),
        (["--preset", "openai", "--kind", "tcp"], "leave --kind out"),
        (["--set", "method", "http://x"], "--set is written FIELD=VALUE"),
        (["--set", "metod=GET", "http://x"], "metod: is not a field of http, which takes "),
        (["--secret-env", "bearer", "http://x"], "--secret-env is written NAME=VARIABLE"),
        (["--secret-env", "bearer=NOT_SET_ANYWHERE", "http://x"], "NOT_SET_ANYWHERE is not set"),
        (["dns://a.example?recrod=MX"], "dns://name takes record, resolver, expected, match"),
        (["--preset", "litellm-health", "--key-env", "PATH"], "--billing-acknowledged: unless background"),
    ],
)
def test_a_preset_asked_for_wrongly_is_said(words: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        ran(*words)


def test_the_presets_are_listed_with_what_they_prove(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--list-presets") == 0
    assert "openai " in capsys.readouterr().out


def test_a_store_is_asked_in_its_own_protocol(
    redis_url: str, postgres_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    redis_place, database_place = (url.rpartition("@")[2].partition("/")[0] for url in (redis_url, postgres_server))
    assert ran(f"postgresql://{database_place}") == 0
    assert ran(f"redis://{redis_place}") == 1
    shown = capsys.readouterr().out
    assert "NOAUTH: it asks for a password" in shown
    assert "In a monitor: an account incident" in shown


def test_a_store_has_its_usual_port() -> None:
    assert target_of("redis://cache.internal") == ("redis", {"host": "cache.internal", "port": 6379})
    assert target_of("postgresql://[::1]:5433/") == ("postgresql", {"host": "::1", "port": 5433})
    assert target_of("postgres://db") == ("postgresql", {"host": "db", "port": 5432})
    assert target_of("ping://db") == ("icmp", {"host": "db"})
    assert target_of("HTTPS://db/") == ("http", {"url": "HTTPS://db/"})
    assert target_of("tls://[2001:db8::1]") == ("tls", {"host": "2001:db8::1", "port": 443})


@pytest.mark.parametrize(
    ("url", "kind", "config"),
    [
        ("wss://a.example/feed", "websocket", {"url": "wss://a.example/feed"}),
        ("grpc://a.example:50051/my.Service", "grpc",
         {"host": "a.example", "port": 50051, "tls": False, "service": "my.Service"}),
        ("grpcs://a.example", "grpc", {"host": "a.example", "port": 443, "tls": True}),
        ("rediss://a.example", "redis", {"host": "a.example", "port": 6379, "tls": True}),
        ("icmp://[::1]/", "icmp", {"host": "::1"}),
        ("dns://a.example?record=MX&resolver=192.0.2.53&expected=x&expected=y", "dns",
         {"name": "a.example", "record": "MX", "resolver": "192.0.2.53", "expected": ["x", "y"]}),
    ],
)  # fmt: skip
def test_every_prober_has_an_address_of_its_own(url: str, kind: str, config: dict[str, object]) -> None:
    assert target_of(url) == (kind, config)
    parse_spec(kind, config)


def test_any_field_of_a_configuration_can_be_given(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    demand = '[{"type": "body_contains", "text": "hi"}, {"type": "latency", "down_ms": 9000}]'
    assert ran(server, "--set", f"assertions={demand}", "--set", "method=GET", "--set", 'expected_status=["200"]') == 1
    shown = capsys.readouterr().out
    assert "  fails  a body with 'hi'; found an empty body (down, body_mismatch)" in shown
    assert "  holds  an answer in less than 9000 ms" in shown
    metrics = ("--kind", "saturation", "--set", "engine=vllm", server)
    assert ran(*metrics) == 1
    assert "the page has no metrics of vLLM" in capsys.readouterr().out


def test_a_secret_comes_from_the_environment_and_is_shown_nowhere(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_WORD", "obviously-fake-word")
    demand = '[{"type": "body_contains", "text": "no such text"}]'
    assert ran(server, "--secret-env", "header.X-Word=SOME_WORD", "--set", f"assertions={demand}") == 1
    shown = capsys.readouterr().out
    assert "19 bytes: '***'" in shown
    assert "obviously-fake-word" not in shown


def test_the_headers_of_the_answer_and_every_hop_are_shown(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"{server}/moved") == 0
    shown = capsys.readouterr().out
    assert f"  redirected by 302 to {server}/there\n" in shown
    assert "  < content-length: 0" in shown


def test_the_certificates_are_shown_whether_they_verify_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    made = trustme.CA().issue_cert("localhost", "127.0.0.1", common_name="models")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.configure_cert(tls)
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    served.socket = tls.wrap_socket(served.socket, server_side=True)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{served.server_address[1]}/"
    try:
        assert ran(url) == 1
        refused = capsys.readouterr().out
        assert ran(url, "--set", "verify_tls=false", "--json") == 0
        told = json.loads(capsys.readouterr().out)
    finally:
        served.shutdown()
        served.server_close()
    assert "certificate_invalid: the certificate does not verify" in refused
    assert "  TLSv1.3, TLS_AES_256_GCM_SHA384" in refused
    assert "  certificate 0  CN=models" in refused
    assert "for          localhost, 127.0.0.1" in refused
    assert "days left" in refused and "sha256" in refused
    assert told["certificates"][0]["names"] == ["localhost", "127.0.0.1"]
    assert (told["alert"], told["tls"][0]) == (None, "TLSv1.3")


def test_what_a_billed_health_page_costs_is_said(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    proxy = ("--set", "provider=litellm", f"{server}/health")
    with pytest.raises(CommandError, match="billed completion"):
        ran(*proxy)
    assert ran("--billing-acknowledged", *proxy) == 0
    assert "this makes 1,440 real completions a day" in capsys.readouterr().out


def test_the_alert_that_it_would_become_is_said_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--json", f"tcp://127.0.0.1:{ports.take_free_port()}") == 1
    alert = json.loads(capsys.readouterr().out)["alert"]
    assert (alert["incident"], alert["severity"]) == ("outage", "critical")


def test_f6_a_check_that_costs_money_is_refused_by_its_answer_and_read(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="a real, billed completion on every deployment"):
        ran(f"{server}/llm/health")
    assert "2 of 3 models behind the proxy are unhealthy" in capsys.readouterr().out
    assert ran("--billing-acknowledged", f"{server}/llm/health") == 1


@pytest.mark.parametrize(
    ("status", "reason", "vote", "verdict", "why"),
    [
        (Status.UP, Reason.OK, "passing", "up", "quorum_passed"),
        (Status.DOWN, Reason.REFUSED, "failing", "down", "quorum_failed"),
        (Status.DEGRADED, Reason.OVERLOADED, "degraded", "degraded", "quorum_degraded"),
        (Status.DOWN, Reason.AUTH, "account", "degraded", "account"),
        (Status.UNKNOWN, Reason.BLOCKED, "none", "unknown", "too_few_votes"),
    ],
)
def test_the_explanation_is_that_of_the_law_itself(
    status: Status, reason: Reason, vote: str, verdict: str, why: str
) -> None:
    told = explained(Observation(status, reason))
    assert (told["vote"], told["verdict"], told["verdict_reason"]) == (vote, verdict, why)
    assert "{" not in told["rule"]
    assert told["rule"] in "\n".join(lines(told))


def test_a_check_explains_itself_to_people_and_scripts(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--explain", f"{server}/broken") == 1
    shown = capsys.readouterr().out
    assert "verdict:  down (quorum_failed), if each of 3 regions sees this in 2 looks" in shown
    assert "an outage needs the same 2 of 3 regions to fail in every look" in shown
    ran("--explain", "--json", f"{server}/")
    assert json.loads(capsys.readouterr().out)["explanation"]["verdict"] == "up"
