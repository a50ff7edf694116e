"""What the tests of the probes share: a loop like the worker's, a way out, and certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
import uvloop

from probes.net.tls import certificates

T = TypeVar("T")
OnLoop = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture
def on_loop() -> OnLoop[Any]:
    """Runs a coroutine on a fresh uvloop, for at most 30 s."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(30):
                return await coroutine

        return uvloop.run(bounded())

    return run


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An authority that this process trusts, as an operator would have it do."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    certificates.context.cache_clear()
    yield authority
    certificates.context.cache_clear()


@pytest.fixture
def server_tls() -> Callable[[trustme.LeafCert], ssl.SSLContext]:
    def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(made)
        return made

    return context
