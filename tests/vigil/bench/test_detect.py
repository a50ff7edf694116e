"""The report of `bench detect`, and its endpoints, which fail in the way they are told to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vigil.bench.detect import DetectEndpoint, report_of
from vigil.cli import main

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def asked(endpoint: DetectEndpoint) -> bytes:
    """What a client gets from an endpoint: its answer, nothing within a moment, or a refusal."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    try:
        writer.write(REQUEST)
        async with asyncio.timeout(0.2):
            return await reader.read()
    finally:
        writer.close()


async def before_and_after(failure: str, expected: type[Exception]) -> bytes:
    endpoint = DetectEndpoint(failure)
    await endpoint.open()
    answer = await asked(endpoint)
    endpoint.fail()
    with pytest.raises(expected):
        await asked(endpoint)
    endpoint.close()
    return answer


@pytest.mark.parametrize(("failure", "expected"), [("refused", ConnectionRefusedError), ("hanging", TimeoutError)])
def test_an_endpoint_answers_until_it_fails_in_its_way(failure: str, expected: type[Exception]) -> None:
    assert asyncio.run(before_and_after(failure, expected)).startswith(b"HTTP/1.1 200")


def test_the_report_names_each_delay_and_what_was_never_told() -> None:
    report: dict[str, Any] = report_of({("high", "refused"): [7.0, 9.0], ("normal", "hanging"): []}, 2)

    assert (report["high_refused_mean_s"], report["high_refused_p95_s"], report["high_refused_untold"]) == (8.0, 9.0, 0)
    assert (report["normal_hanging_mean_s"], report["normal_hanging_untold"]) == (None, 2)


def test_too_many_monitors_are_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "detect", "--monitors", "9999"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
