"""The bytes of the judgement's messages, held still: another version of Vigil must be able to read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from consensus.proof import ComparedRow, LostWay
from consensus.review.evidence import from_evidence, to_evidence
from consensus.rounds import RoundBook
from consensus.verdicts import (
    Belief,
    Call,
    Dissent,
    Quarantine,
    Verdict,
    decode_belief,
    decode_call,
    decode_quarantine,
    decode_round,
    decode_verdict,
    encode,
)
from consensus.vocabulary import Cause, Exclusion, Observed
from probes.reasons import Reason, Status
from tests.consensus.examples import make_result, make_round

THREE = {"ap-south": "gcp", "eu-west": "aws", "us-west": "hetzner"}


def make_verdict() -> Verdict:
    book, round = RoundBook(), make_round(THREE)
    book.open(round, round.opened_ms)
    book.vote("ap-south", make_result("fail", round.id, 1), 1_000_400, 1_000_400)
    book.vote("eu-west", make_result("timeout", round.id, 1), 1_000_500, 1_000_500)
    (verdict,) = book.due(1_000_750)
    return replace(verdict, decided_ms=1_000_500)


MESSAGES: dict[str, tuple[object, Callable[[bytes], object]]] = {
    "call": (
        Call(1, "mon_example", "eu-west", Cause.FAILURE, 1_000_000, Status.DOWN, Reason.REFUSED),
        decode_call,
    ),
    "round": (make_round(THREE, caller="eu-west"), decode_round),
    "verdict": (make_verdict(), decode_verdict),
    "belief": (
        Belief(1, Status.DOWN, 900_000, {"eu-west": Dissent(Observed.PASSING, 2)}, 1, "", False, 950_000),
        decode_belief,
    ),
    "quarantine": (Quarantine(1, "eu-west", 900_000, Exclusion.SICK, "It fails alone."), decode_quarantine),
}

GOLDEN = {
    "call": "9701ab6d6f6e5f6578616d706c65a765752d77657374a76661696c757265ce000f4240a4646f776ea772656675736564",
    "round": (
        "dc001001b1726e645f6578616d706c655f6634323430ab6d6f6e5f6578616d706c65a76661696c757265a765752d7765"
        "7374ce000f4240a468696768039392a861702d736f757468a367637092a765752d77657374a361777392a775732d7765"
        "7374a76865747a6e65729091ce000f4240cd30d400ce000f4178a000"
    ),
    "verdict": (
        "dc001b01b1726e645f6578616d706c655f6634323430ab6d6f6e5f6578616d706c65a4646f776ead71756f72756d5f66"
        "61696c6564a772656675736564ce000f4434ce000f4240ce000f417803030203929da861702d736f757468a367637001"
        "a4646f776ea772656675736564ce000f42409500000000cd07d00200a0c000a09da765752d77657374a361777301a464"
        "6f776ea774696d656f7574ce000f42409500000000cd07d00200a0c000a09090a468696768a76661696c757265da0101"
        "446f776e3a2032206f66203320726567696f6e73207468617420636f756c6420736565206661696c656420696e206f6e"
        "65206c6f6f6b2028322061726520612071756f72756d2c20696e206d6f7265207468616e2068616c66206f6620332066"
        "61696c75726520646f6d61696e287329292e2053617720612070726f626c656d3a2061702d736f757468202867637029"
        "3a20726566757365642c2074726965642074776963653b2065752d776573742028617773293a2074696d656f75742c20"
        "74726965642074776963652e204e6f742077616974656420666f722c20617320697420636f756c64206368616e676520"
        "6e6f7468696e673a2075732d776573742e03000093a861702d736f757468a765752d77657374a775732d776573749392"
        "a861702d736f757468a367637092a765752d77657374a361777392a775732d77657374a76865747a6e657291ce000f42"
        "4000a0"
    ),
    "quarantine": "9801a765752d77657374ce000dbba0a47369636baf4974206661696c7320616c6f6e652e9090c0",
    "belief": "9901a4646f776ece000dbba081a765752d7765737492a770617373696e670201a0c2ce000e7ef0c2",
}


#: What earlier versions wrote: read by every later version, with defaults for what has been added since.
EARLIER = {
    "verdict without shard": (
        "dc001a01b1726e645f6578616d706c655f6634323430ab6d6f6e5f6578616d706c65a4646f776ead71756f72756d5f66"
        "61696c6564a772656675736564ce000f4434ce000f4240ce000f417803030203929da861702d736f757468a367637001"
        "a4646f776ea772656675736564ce000f42409500000000cd07d00200a0c000a09da765752d77657374a361777301a464"
        "6f776ea774696d656f7574ce000f42409500000000cd07d00200a0c000a09090a468696768a76661696c757265da0101"
        "446f776e3a2032206f66203320726567696f6e73207468617420636f756c6420736565206661696c656420696e206f6e"
        "65206c6f6f6b2028322061726520612071756f72756d2c20696e206d6f7265207468616e2068616c66206f6620332066"
        "61696c75726520646f6d61696e287329292e2053617720612070726f626c656d3a2061702d736f757468202867637029"
        "3a20726566757365642c2074726965642074776963653b2065752d776573742028617773293a2074696d656f75742c20"
        "74726965642074776963652e204e6f742077616974656420666f722c20617320697420636f756c64206368616e676520"
        "6e6f7468696e673a2075732d776573742e03000093a861702d736f757468a765752d77657374a775732d776573749392"
        "a861702d736f757468a367637092a765752d77657374a361777392a775732d77657374a76865747a6e657291ce000f42"
        "4000"
    ),
    "verdict without electorate": (
        "dc001701b1726e645f6578616d706c655f6634323430ab6d6f6e5f6578616d706c65a4646f776ead71756f72756d5f66"
        "61696c6564a772656675736564ce000f4434ce000f4240ce000f417803030203929aa861702d736f757468a367637001"
        "a4646f776ea772656675736564ce000f42409500000000cd07d00200a09aa765752d77657374a361777301a4646f776e"
        "a774696d656f7574ce000f42409500000000cd07d00200a09090a468696768a76661696c757265d9cc446f776e3a2032"
        "206f66203320726567696f6e73207468617420636f756c6420736565206661696c656420696e206f6e65206c6f6f6b20"
        "28322061726520612071756f72756d2c20696e206d6f7265207468616e2068616c66206f662033206661696c75726520"
        "646f6d61696e287329292e2053617720612070726f626c656d3a2061702d736f7574682028676370293a207265667573"
        "65642c2074726965642074776963653b2065752d776573742028617773293a2074696d656f75742c2074726965642074"
        "776963652e01000093a861702d736f757468a765752d77657374a775732d77657374"
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_bytes_of_a_message_never_change(name: str) -> None:
    message, decode = MESSAGES[name]

    assert encode(cast(Any, message)).hex() == GOLDEN[name]
    assert decode(bytes.fromhex(GOLDEN[name])) == message


def test_a_message_without_the_newest_fields_is_still_read() -> None:
    import msgspec

    fields = msgspec.msgpack.decode(encode(cast(Any, MESSAGES["belief"][0])))

    assert decode_belief(msgspec.msgpack.encode(fields[:3])) == Belief(1, Status.DOWN, 900_000)


def test_a_verdict_of_an_earlier_version_is_still_read_and_stored() -> None:
    now = make_verdict()
    votes = [replace(vote, address="") for vote in now.votes]

    before = decode_verdict(bytes.fromhex(EARLIER["verdict without electorate"]))

    explained = replace(now, votes=votes, electorate=[], looks_ms=[], closed=0, rule=1, explanation=before.explanation)
    assert before == explained
    assert decode_verdict(bytes.fromhex(EARLIER["verdict without shard"])) == now
    assert from_evidence(to_evidence(before)) == before


def test_evidence_keeps_everything_a_verdict_says() -> None:
    verdict = make_verdict()
    evidence = to_evidence(verdict)

    assert from_evidence(evidence) == verdict
    assert evidence["votes"][0]["phases"]["total_us"] == 2_000


@pytest.mark.parametrize(("name", "added"), [("round", 2), ("quarantine", 3)])
def test_what_releases_before_the_law_of_lost_regions_wrote_is_still_read(name: str, added: int) -> None:
    import msgspec

    message, decode = MESSAGES[name]
    fields = msgspec.msgpack.decode(encode(cast(Any, message)))

    assert decode(msgspec.msgpack.encode(fields[:-added])) == message


def test_a_quarantine_carries_what_proved_it() -> None:
    row = ComparedRow("mon_a", ["provider:openai"], ["eu-west"], ["ap-south", "us-west"])
    proof = LostWay(["eu-west"], ["ap-south", "us-west"], 1, 1, [row], THREE)
    told = Quarantine(1, "eu-west", 900_000, Exclusion.LOST_WAY, "Lost.", ["eu-west"], ["ap-south", "us-west"], proof)

    assert decode_quarantine(encode(told)) == told
