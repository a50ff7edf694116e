"""A worker enrols with keys of its own, keeps them in one file, and tells no other program."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from probes.__main__ import main
from probes.enrolment.command import enrol, enrolled
from probes.enrolment.exchange import EnrolmentFailed
from probes.enrolment.kept import FileUnusable, default_path, read_kept
from probes.enrolment.messages import ENROLMENT_VERSION, EnrolmentRequest, is_proven
from probes.seal import Opener
from probes.signing.private_keys import region_signing_key

CODE = "vge_abcdefgh_secretsecretsecretsecretsecretse"
GOOD = {
    "v": ENROLMENT_VERSION,
    "region": "eu-west",
    "redis_url": "redis://worker-eu-west:hunter2@127.0.0.1:1/0",
    "revision": 1,
}


class ControlPlane:
    """Answers as told, the last answer again and again; `seen` has the requests."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = [(200, json.dumps(GOOD).encode())]
        self.seen: list[dict[str, Any]] = []
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                plane.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, body = plane.answers.pop(0) if len(plane.answers) > 1 else plane.answers[0]
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    monkeypatch.setattr("probes.enrolment.exchange._PAUSES_S", (0.01,))
    found = ControlPlane()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_worker_keeps_its_keys_and_what_it_got_in_one_file_of_its_own(
    plane: ControlPlane, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, ran = tmp_path / "state" / "identity.json", list[Path]()

    def run(found: Path) -> int:
        ran.append(found)
        return 7

    plane.answers.insert(0, (503, b'{"problem": "The primary of Redis does not answer."}'))
    assert enrol([plane.url, CODE, "--file", str(path), "--run"], run) == 7
    kept = read_kept(path)
    assert kept is not None and ran == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [one.name for one in path.parent.iterdir()] == [path.name]
    first, second = plane.seen
    assert first == second, "what is asked again has the same keys"
    assert base64.b64decode(first["sealing_key"]) == Opener(kept.key).public
    assert is_proven(msgspec.convert(first, EnrolmentRequest)), "it proves that it has the key that it names"
    assert base64.b64decode(first["signing_key"]) == region_signing_key(kept.key).public
    assert enrol([plane.url, CODE, "--file", str(path)], lambda _: 1) == 0
    assert len(plane.seen) == 2, "the same command again, as after a restart, goes on with the file"
    said = "".join(capfd.readouterr())
    assert "answers 503: The primary of Redis does not answer; asking again for 60 s" in said
    assert "enrolled as eu-west" in said and kept.key not in said and "hunter2" not in said and CODE not in said
    assert kept.key not in repr(kept) and "hunter2" not in repr(kept)


def test_a_worker_that_was_stopped_before_the_answer_tries_again_with_the_same_keys(
    plane: ControlPlane, tmp_path: Path
) -> None:
    path = tmp_path / "identity.json"
    plane.answers = [(404, b'{"problem": "This code is not known."}')]
    with pytest.raises(EnrolmentFailed, match="not known"):
        enrolled(path, plane.url, CODE)
    plane.answers = [(200, json.dumps(GOOD).encode())]
    before = enrolled(path, plane.url, CODE)
    assert plane.seen[0] == plane.seen[1]
    plane.answers = [(500, b"")]
    with pytest.raises(FileUnusable):
        path.chmod(0o644)
        enrolled(path, plane.url, CODE)
    path.chmod(0o600)
    plane.answers = [(410, b'{"problem": "over"}')]
    with pytest.raises(EnrolmentFailed, match="over"):
        enrolled(path, plane.url, "vge_zzzzzzzz_x")
    assert read_kept(path) == before, "a code that is refused takes nothing away"
    plane.answers = [(200, json.dumps(GOOD | {"revision": 2}).encode())]
    after = enrolled(path, plane.url, "vge_zzzzzzzz_x")
    assert (after.revision, after.key != before.key, plane.seen[-2]) == (2, True, plane.seen[-1])


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((302, b""), "answers 302"),
        ((200, b"<html>"), "no enrolment"),
        ((200, json.dumps(GOOD | {"region": "../x"}).encode()), "no enrolment"),
        ((404, b"\xff"), "answers 404"),
    ],
)
def test_what_is_no_enrolment_is_refused_in_one_line(
    plane: ControlPlane, tmp_path: Path, answer: tuple[int, bytes], line: str
) -> None:
    plane.answers = [answer]
    with pytest.raises(EnrolmentFailed, match=line):
        enrolled(tmp_path / "f", plane.url, CODE)


def test_only_this_machine_is_asked_without_encryption(tmp_path: Path) -> None:
    for url in ("http://vigil.example.com", "http://127.0.0.1.example.com", "ftp://x", "https://a@b", "vigil", ""):
        with pytest.raises(EnrolmentFailed, match="https"):
            enrolled(tmp_path / "f", url, CODE)
    assert not list(tmp_path.iterdir())


def test_a_worker_says_what_to_do_about_a_file_that_holds_no_identity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--identity", str(tmp_path / "none")]) == 2
    assert "run the line of `region add` first" in capsys.readouterr().err


def test_a_number_without_an_account_enrols_with_a_file_that_is_named(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert enrol([plane.url, CODE, "--file", str(tmp_path / "f")], lambda _: 1) == 0
    assert default_path() == Path("/var/lib/vigil/identity.json")
