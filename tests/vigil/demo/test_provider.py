"""The fake provider over real sockets: its golden answers, and every way it can be told to fail."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from vigil.demo.endpoints import PROVIDERS
from vigil.demo.shapes import DEMO_KEY, Auth
from vigil.local.servers import ports


def key_headers(name: str) -> dict[str, str]:
    auth = PROVIDERS[name].auth
    if auth is Auth.NONE:
        return {}
    return {auth.value: f"Bearer {DEMO_KEY}" if auth is Auth.BEARER else DEMO_KEY}


def test_every_endpoint_answers_200_to_the_right_key(provider: Any) -> None:
    for name, one in PROVIDERS.items():
        for method, path in one.endpoints:
            answer = httpx.request(method, f"{provider.url}/{name}{path}", headers=key_headers(name))
            assert answer.status_code == 200, f"{name} {path}"


def test_guarded_endpoints_answer_in_the_providers_own_words_to_a_wrong_key(provider: Any) -> None:
    codes = {}
    for name, one in PROVIDERS.items():
        for (method, path), endpoint in one.endpoints.items():
            if endpoint.guarded:
                answer = httpx.request(method, f"{provider.url}/{name}{path}", headers={one.auth.value: "wrong"})
                assert answer.content == one.bad_key.body
                codes[name] = answer.status_code
    assert codes["openai"] == codes["anthropic"] == codes["vllm"] == codes["litellm"] == 401
    assert codes["gemini"] == 400


def test_the_openai_list_has_the_shape_of_the_real_one(provider: Any) -> None:
    answer = httpx.get(f"{provider.url}/openai/v1/models", headers=key_headers("openai")).json()
    assert answer["object"] == "list"
    assert {"id", "object", "created", "owned_by"} == set(answer["data"][0])


def test_an_unknown_provider_or_path_is_404(provider: Any) -> None:
    assert httpx.get(f"{provider.url}/nobody/v1/models").status_code == 404
    assert httpx.get(f"{provider.url}/openai/v1/nothing").json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("mode", "name", "code", "words"),
    [
        ("overloaded", "anthropic", 529, "overloaded_error"),
        ("overloaded", "openai", 503, "server_is_overloaded"),
        ("overloaded", "ollama", 503, "server busy"),
        ("bad_key", "openai", 401, "invalid_api_key"),
        ("bad_key", "anthropic", 401, "authentication_error"),
        ("loading", "llamacpp", 503, "Loading model"),
        ("loading", "triton", 400, ""),
    ],
)
def test_a_trouble_is_worded_as_the_provider_words_it(
    provider: Any, mode: str, name: str, code: int, words: str
) -> None:
    provider.become(mode=mode)
    method, path = next(iter(PROVIDERS[name].endpoints))
    answer = httpx.request(method, f"{provider.url}/{name}{path}", headers=key_headers(name))
    assert answer.status_code == code
    assert words in answer.text


def test_a_refusing_provider_refuses_and_comes_back_on_the_same_port_every_time(provider: Any) -> None:
    for _ in range(5):
        provider.become(mode="refuse")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{provider.url}/ollama/api/version")
        provider.become(mode="healthy")
        assert httpx.get(f"{provider.url}/ollama/api/version").status_code == 200


def test_a_refusing_provider_keeps_its_port_to_itself(provider: Any) -> None:
    provider.become(mode="refuse")
    with socket.socket() as thief, pytest.raises(OSError) as refused:
        thief.bind(("127.0.0.1", provider.port))
    assert refused.value.errno == errno.EADDRINUSE


def test_only_the_blind_source_address_is_reset(provider: Any) -> None:
    provider.become(blind=["127.0.1.3"])
    blind = httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.1.3"))
    seeing = httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.1.4"))
    with blind, seeing:
        with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
            blind.get(f"{provider.url}/ollama/api/version")
        assert seeing.get(f"{provider.url}/ollama/api/version").status_code == 200


def test_a_told_status_is_answered(provider: Any) -> None:
    provider.become(mode="status", status=502)
    assert httpx.get(f"{provider.url}/ollama/api/version").status_code == 502


def test_a_slow_provider_answers_after_its_delay(provider: Any) -> None:
    provider.become(mode="slow", delay_s=0.3)
    begun = time.monotonic()
    assert httpx.get(f"{provider.url}/ollama/api/version").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_a_hanging_provider_answers_nothing(provider: Any) -> None:
    provider.become(mode="hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{provider.url}/ollama/api/version", timeout=0.3)


@pytest.mark.parametrize("order", [b"", b"[]", b'{"mode": "asleep"}', b'{"unknown": 1}', b'{"delay_s": 1e9}'])
def test_a_bad_order_is_refused_and_changes_nothing(provider: Any, order: bytes) -> None:
    address = f"http://127.0.0.1:{provider.control}/state"
    assert httpx.post(address, content=order).status_code == 400
    assert httpx.get(address).json()["mode"] == "healthy"


def test_noise_on_the_socket_ends_only_its_own_connection(provider: Any) -> None:
    with socket.create_connection(("127.0.0.1", provider.port)) as noise:
        noise.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    assert httpx.get(f"{provider.url}/ollama/api/version").status_code == 200


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports.take_free_port()))
        holder.listen()
        port = str(holder.getsockname()[1])
        ran = subprocess.run(
            [sys.executable, "-m", "vigil.demo.provider", "--port", port, "--control-port", "0"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ran.returncode == 1
    assert ran.stderr.startswith("fake provider: cannot listen")
    assert len(ran.stderr.splitlines()) == 1
