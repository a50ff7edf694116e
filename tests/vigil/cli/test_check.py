"""The command `check`: what it prints, how it exits, and how it words a wrong question."""

from __future__ import annotations

import argparse
import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from probes.observation import Observation
from probes.reasons import Reason, Status
from probes.wire import Phases
from vigil.cli import check
from vigil.cli.errors import CommandError
from vigil.local import ports


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers.get("X-Word", "").encode()
        self.send_response(503 if self.path == "/broken" else 200)
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
        (["ftp://example.com"], "url: "),
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
    facts = {"address": "192.0.2.7", "certificate_days": 61}
    seen = Observation(Status.DOWN, Reason.HTTP_5XX, phases, 503, "Service Unavailable", facts)
    assert check.render("https://example.com/", seen) == (
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
        "  In a monitor: an outage, once a quorum of regions sees it in every look.\n"
    )


def test_the_picture_of_a_check_that_never_began() -> None:
    seen = Observation(Status.UNKNOWN, Reason.BLOCKED, detail="a public region does not dial a loopback address")
    assert check.render("http://127.0.0.1/", seen) == (
        "UNKNOWN  http://127.0.0.1/\n"
        "  blocked: a public region does not dial a loopback address\n"
        "\n"
        "  total                                           0.0 ms\n"
        "\n"
        "  In a monitor: no vote. This says nothing of the target.\n"
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
        (["--preset", "openai"], "--key-env: OpenAI answers nobody without a key"),
        (["--preset", "openai", "--key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        (["--preset", "openai", "http://x"], "name a URL or a preset, not both"),
        (["--model", "x", "http://x"], "--model goes with --preset"),
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
    assert "an account incident. The key or the request is at fault; this is not an outage." in shown


def test_a_store_has_its_usual_port() -> None:
    assert check.target_of("redis://cache.internal") == ("redis", {"host": "cache.internal", "port": 6379})
    assert check.target_of("postgresql://[::1]:5433/") == ("postgresql", {"host": "::1", "port": 5433})
