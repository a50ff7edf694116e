"""A running `manage.py up` and its API, used from outside: by its processes, its command line and HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
ENV |= {"PYTHONPATH": str(CHECKOUT)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vigil.cli", *arguments]


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=ENV | dict(env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


class Up:
    """A running `up --json`, and what it said when it was ready."""

    def __init__(self, data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command("up", "--json", "--data-dir", str(data), *arguments),
            env=ENV | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=30)[1]
        self.said: dict[str, Any] = json.loads(line)

    @property
    def pids(self) -> list[int]:
        """Every process below it now, however deep."""
        below, parents = [], {self.process.pid}
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        while found := [pid for pid, parent in pairs if parent in parents and pid not in below]:
            below += found
            parents = set(found)
        return below

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code


def sign_in(link: str) -> tuple[int, str]:
    """The status and final address after the button of a one-time link was pressed."""
    cookies = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    try:
        opener.open(link, timeout=20).close()
        token = next(cookie.value for cookie in cookies if cookie.name == "vigil_csrf")
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
        with opener.open(link, form, timeout=20) as answer:
            return answer.status, answer.url
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.url


class Api:
    """The REST API of a running installation, called with a token as a script would."""

    def __init__(self, address: str, token: str) -> None:
        self._root, self._token = f"{address}/api/v1/", token

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        """The document of the answer; raises `AssertionError` with what a refusal says."""
        request = urllib.request.Request(
            self._root + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.code} {refused.read().decode()[:500]}") from None

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list, up to a page of 200."""
        found: list[dict[str, Any]] = self("GET", f"{path}{'&' if '?' in path else '?'}limit=200")["results"]
        return found
