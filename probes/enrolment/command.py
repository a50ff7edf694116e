"""`python -m probes enrol`: enrols the worker of a region with a single-use code, and runs it where that is wanted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from probes.enrolment.exchange import EnrolmentFailed, checked_address, exchange
from probes.enrolment.kept import FileUnusable, KeptIdentity, default_path, read_kept, write_kept
from probes.enrolment.messages import EnrolmentAnswer, EnrolmentRequest, enrolment_request
from probes.seal import Opener, SealError, generate_keypair
from probes.signing.private_keys import KeyUnusable, region_signing_key

_ABOUT = """Enrols the worker of a region: makes its keys here, sends the public halves with the code, and keeps all
that it gets in one file that only you may read. `region add` prints the whole command. A code holds for an hour, for
one worker; the same command again, as after a restart, goes on with the file.
"""


def enrol(arguments: list[str], run: Callable[[Path], int]) -> int:
    """Enrol, and with --run go on as the worker that `run` starts from the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m probes enrol", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="address of the control plane, like https://vigil.example.com")
    parser.add_argument("code", help="the code that `region add` printed")
    parser.add_argument("--file", type=Path, help=f"where the identity is kept (default: {default_path()})")
    parser.add_argument("--run", action="store_true", help="then run the worker")
    given = parser.parse_args(arguments)
    path: Path = given.file or default_path()
    try:
        kept = enrolled(path, given.address, given.code)
    except (EnrolmentFailed, FileUnusable) as error:
        _say(str(error))
        return 1
    _say(f"enrolled as {kept.region}; its identity is in {path}")
    if given.run:
        return run(path)
    _say("the same command with --run starts its worker")
    return 0


def enrolled(path: Path, address: str, code: str) -> KeptIdentity:
    """The identity in the file if this code made it, else a new one; raises EnrolmentFailed and FileUnusable."""
    url = checked_address(address)
    named = "".join(code.split("_")[1:2])[:20]
    known = read_kept(path)
    if known is not None and known.code == named and known.region:
        return known
    pending = path.with_name(f"{path.name}.new") if known is not None and known.region else path
    begun = read_kept(pending)
    if begun is None or begun.code != named:
        private, _ = generate_keypair()
        begun = KeptIdentity(key=private, code=named, control_plane=url)
        write_kept(pending, begun)
    answer = exchange(url, _request(begun.key, code), _say)
    kept = _whole(begun, answer)
    write_kept(path, kept)
    if pending != path:
        pending.unlink(missing_ok=True)
    return kept


def _say(text: str) -> None:
    sys.stderr.write(f"vigil-probe: {text}\n")


def _request(key: str, code: str) -> EnrolmentRequest:
    try:
        return enrolment_request(code, Opener(key).public, region_signing_key(key))
    except (SealError, KeyUnusable):
        raise FileUnusable("the key in the file is damaged: delete the file, and use a new code") from None


def _whole(begun: KeptIdentity, answer: EnrolmentAnswer) -> KeptIdentity:
    return KeptIdentity(
        key=begun.key,
        code=begun.code,
        region=answer.region,
        redis_url=answer.redis_url,
        redis_ca=answer.redis_ca,
        control_keys=answer.control_keys,
        control_plane=begun.control_plane,
        revision=answer.revision,
    )
