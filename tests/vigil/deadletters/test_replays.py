"""Replays of dead letters: bytes go back where a reader can act on them, other letters say why they are closed only."""

from __future__ import annotations

import pytest
import redis

from consensus.verdicts import Call, decode_call
from consensus.vocabulary import Cause
from probes import keys
from probes.message_decoder import LAST_MS
from probes.process.dead_letters import NO_ENTRY, DeadLetterMessage, entry_of, letter_of
from tests.consensus.examples import make_round
from vigil.cli import main
from vigil.deadletters import record
from vigil.deadletters.actions import NotReplayable, replay, waiting
from vigil.deadletters.replays import effect_of_replay
from vigil.dispatch.call_letters import call_letter, round_letter

CALL = Call(1, "mon_a", "eu-west", Cause.FAILURE, 1_000)


@pytest.mark.parametrize(
    ("source", "step", "stream", "kept", "size", "words"),
    [
        ("ingest", "apply", keys.VERDICTS, 9, 9, "adds its 9 bytes to vigil:verdicts again"),
        ("record", "record", keys.results("eu"), 9, 9, "adds its 9 bytes to vigil:results:eu again"),
        ("heartbeats", "apply", keys.PINGS, 9, 9, "adds its 9 bytes to vigil:pings again"),
        ("dispatch", "call", keys.CALLS, 9, 9, "adds its 9 bytes to vigil:calls again"),
        ("ingest", "apply", keys.VERDICTS, 8, 9, "refused: only the first 8 of its 9 bytes were kept"),
        ("consensus", "fold", "", 9, 9, "closes the letter only: a vote counts in its own round"),
        ("consensus", "decode", "", 9, 9, "closes the letter only: a vote counts in its own round"),
        ("dispatch", "decode", "", 9, 9, "closes the letter only: a round ends at its deadline"),
        ("dispatch", "check", "", 0, 0, "closes the letter only: the next check"),
        ("deliver", "compose", "", 0, 0, "closes the letter only: the message is tried again"),
        ("witness", "feed", "", 0, 0, "closes the letter only: the feed is read again"),
        ("ingest", "composites", "", 0, 0, "closes the letter only: it is tried again by itself"),
    ],
)
def test_s05_a_letter_says_what_a_replay_of_it_does(
    source: str, step: str, stream: str, kept: int, size: int, words: str
) -> None:
    assert effect_of_replay(source, step, stream, kept, size).startswith(words)


STREAMS = {
    ("ingest", "apply"): entry_of(keys.VERDICTS, "1-0", b"bytes"),
    ("record", "record"): entry_of(keys.results("eu"), "1-0", b"bytes"),
    ("heartbeats", "apply"): entry_of(keys.PINGS, "1-0", b"bytes"),
    ("dispatch", "decode"): entry_of(keys.CALLS, "1-0", b"bytes"),
    ("dispatch", "call"): call_letter(CALL),
    ("dispatch", "announce"): round_letter(make_round(caller="eu-west")),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("source", "step"), STREAMS)
def test_s05_a_replay_gives_each_loop_its_bytes_again(redis_url: str, source: str, step: str) -> None:
    entry = STREAMS[source, step]
    record.keep(letter_of(source, step, "origin", ValueError("no"), entry))
    with redis.Redis.from_url(redis_url) as client:
        assert replay(waiting().get()) == f"adds its {entry.size} bytes to {entry.stream} again"
        assert [fields[keys.BODY] for _, fields in client.xrange(entry.stream)] == [entry.payload]


@pytest.mark.django_db
@pytest.mark.parametrize("entry", [NO_ENTRY, entry_of("", "1-0", b"bytes")])
def test_s05_a_letter_whose_bytes_are_of_no_use_is_closed_with_the_reason(
    redis_url: str, entry: DeadLetterMessage, capsys: pytest.CaptureFixture[str]
) -> None:
    record.keep(letter_of("consensus", "fold", "eu", ValueError("no"), entry))
    name = waiting().get().public_id
    assert main(["deadletters", "show", name]) == 0
    assert "closes the letter only: a vote counts in its own round" in capsys.readouterr().out
    assert main(["deadletters", "replay", name]) == 0
    assert f"{name} replayed: closes the letter only" in capsys.readouterr().out
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*") == [keys.REGION_KEYS.encode()]


@pytest.mark.django_db
def test_s05_a_letter_that_was_cut_waits_on() -> None:
    entry = entry_of(keys.VERDICTS, "1-0", b"x" * 200_000)
    record.keep(letter_of("ingest", "apply", "mon_a", ValueError("no"), entry))
    with pytest.raises(NotReplayable, match="only the first 100000 of its 200000 bytes"):
        replay(waiting().get())
    assert waiting().exists()


def test_s05_the_same_call_again_is_one_letter_and_asks_for_a_round_of_when_it_is_replayed() -> None:
    first, again = call_letter(CALL), call_letter(Call(1, "mon_a", "eu-west", Cause.FAILURE, 2_000))
    assert first == again
    assert decode_call(first.payload).at_ms == LAST_MS
    assert decode_call(round_letter(make_round(caller="eu-west")).payload).region == "eu-west"
