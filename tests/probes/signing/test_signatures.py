"""Signed messages: what is taken, and why anything else is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes import keys
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs
from probes.signing.envelope import ENVELOPE_VERSION, SKEW_MS, read_envelope, split_value
from probes.signing.private_keys import (
    KeyUnusable,
    control_signing_key,
    decoded_keys,
    encoded_key,
    region_signing_key,
    stream_key,
)
from probes.signing.region_keyring import LIST_AGE_MOST_MS, RegionKeyring, published
from probes.signing.replay import SENDERS_MOST, WINDOW, SequenceWindow, TakenMessages
from probes.signing.signatures import Signer, TrustedKeys

NOW_MS = 1_800_000_000_000
PLACE, BODY = keys.results("eu-west"), b"what was seen"
KEY, OTHER = (region_signing_key(encoded_key(bytes([byte]) * 32)) for byte in (1, 2))
SEAL_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
MACS = ControlMacs([stream_key(SEAL_KEY)])


def signer(at_ms: int = NOW_MS, key: object = KEY, sender: bytes = b"send") -> Signer:
    return Signer(key, sender, lambda: at_ms)  # type: ignore[arg-type]


def signed(at_ms: int = NOW_MS, key: object = KEY, place: str = PLACE) -> bytes:
    return signer(at_ms, key).sign(place, BODY, 60)


@dataclass(frozen=True)
class Case:
    """A message in Redis, and why it is refused."""

    name: str
    why: Refusal | None
    envelope: Callable[[], bytes]
    body: bytes = BODY


CASES = (
    Case("as the region signed it", None, signed),
    Case("from a clock that is a little ahead", None, lambda: signed(NOW_MS + SKEW_MS)),
    Case("at the end of its life", None, lambda: signed(NOW_MS - 60_000)),
    Case("without an envelope", Refusal.UNSIGNED, lambda: b""),
    Case("of another version", Refusal.WRONG_VERSION, lambda: bytes([ENVELOPE_VERSION + 1]) + signed()[1:]),
    Case("cut short", Refusal.MALFORMED, lambda: signed()[:-1]),
    Case("cut to its first bytes", Refusal.MALFORMED, lambda: signed()[:9]),
    Case("with more behind it", Refusal.MALFORMED, lambda: signed() + b"\0"),
    Case("by a key that is not known", Refusal.UNKNOWN_KEY, lambda: signed(key=OTHER)),
    Case("for another region", Refusal.WRONG_PLACE, lambda: signed(place=keys.results("us-east"))),
    Case("for another key of the region", Refusal.WRONG_PLACE, lambda: signed(place=keys.status("eu-west"))),
    Case("too old", Refusal.EXPIRED, lambda: signed(NOW_MS - 60_001)),
    Case("from the future", Refusal.PREMATURE, lambda: signed(NOW_MS + SKEW_MS + 1)),
    Case("with another body", Refusal.FORGED, signed, BODY + b"!"),
    Case("with another signature", Refusal.FORGED, lambda: signed()[:-64] + bytes(64)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_is_taken_as_it_was_signed_and_no_other(case: Case) -> None:
    assert TrustedKeys([KEY.public]).refusal(PLACE, case.body, case.envelope(), NOW_MS) == case.why


@given(st.integers(0), st.integers(1, 255), st.binary(max_size=300))
@settings(max_examples=60)
def test_any_altered_byte_is_refused(place: int, change: int, body: bytes) -> None:
    """INV-24."""
    trusted, whole = TrustedKeys([KEY.public]), bytearray(signer().sign(PLACE, body, 60) + body)
    edge = len(whole) - len(body)
    assert split_value(bytes(whole)) == (bytes(whole[:edge]), body)
    whole[place % len(whole)] ^= change
    assert trusted.refusal(PLACE, bytes(whole[edge:]), bytes(whole[:edge]), NOW_MS) is not None
    mac = bytearray(MACS.value(keys.ROUNDS, body, NOW_MS))
    mac[place % len(mac)] ^= change
    assert isinstance(MACS.body(keys.ROUNDS, bytes(mac), NOW_MS), Refusal)


def test_a_message_is_taken_once() -> None:
    trusted, one = TrustedKeys([KEY.public]), signer()
    first, second = (one.sign(PLACE, BODY, 60) for _ in range(2))
    assert [trusted.take(envelope) for envelope in (second, first, second, first)] == [
        None, None, Refusal.REPLAYED, Refusal.REPLAYED,
    ]  # fmt: skip
    assert trusted.take(signer(sender=b"othr").sign(PLACE, BODY, 60)) is None, "another process counts for itself"


def test_a_sequence_grows_also_where_the_clock_goes_back_or_the_process_starts_anew() -> None:
    clock = iter([NOW_MS, NOW_MS - 5_000, NOW_MS - 5_000])
    one = Signer(KEY, b"send", lambda: next(clock))
    sequences = [read_envelope(one.sign(PLACE, BODY, 60)).sequence for _ in range(3)]  # type: ignore[union-attr]
    assert sequences == sorted(set(sequences))
    later = read_envelope(signer(NOW_MS + 1).sign(PLACE, BODY, 60))
    assert later.sequence > sequences[-1]  # type: ignore[union-attr]


def test_a_signer_follows_a_clock_that_is_put_right() -> None:
    """Or what it signs would be refused as of the future, for as long as the clock was ahead."""
    trusted, clock = TrustedKeys([KEY.public]), [NOW_MS + 3_600_000]
    one = Signer(KEY, b"send", lambda: clock[0])
    assert trusted.take(one.sign(PLACE, BODY, 60)) is None
    clock[0] = NOW_MS
    for _ in range(2):
        envelope = one.sign(PLACE, BODY, 60)
        assert trusted.refusal(PLACE, BODY, envelope, NOW_MS) is None
        assert trusted.take(envelope) is None
    assert trusted.take(envelope) is Refusal.REPLAYED


def test_what_is_remembered_of_a_sender_and_of_senders_is_bounded_and_forgets_on_the_safe_side() -> None:
    window = SequenceWindow()
    for sequence in range(WINDOW + 10):
        window.take(sequence)
    assert window.is_taken(0) and window.is_taken(WINDOW) and not window.is_taken(WINDOW + 10)
    assert window.highest == WINDOW + 9
    taken = TakenMessages()
    for sender in range(SENDERS_MOST + 1):
        taken.take(b"key", sender.to_bytes(4, "big"), 1_000 + sender)
    assert taken.is_taken(b"key", bytes(4), 1_000), "of a sender that is forgotten"
    assert not taken.is_taken(b"key", b"new!", 2_000)
    taken.forget()
    assert not taken.is_taken(b"key", bytes(4), 1_000)


def test_no_sequence_is_taken_twice_in_any_order_and_one_of_the_future_refuses_no_other() -> None:
    window = SequenceWindow()
    window.take(2**63)
    pairs = [(first + 1, first) for first in range(0, 2 * WINDOW, 2)]
    for sequence in (one for pair in pairs for one in pair):
        assert not window.is_taken(sequence)
        window.take(sequence)
        assert window.is_taken(sequence)
    assert window.is_taken(2**63) and window.highest == 2**63


@pytest.mark.parametrize(
    ("why", "place", "at_ms", "change"),
    [
        (None, keys.ROUNDS, NOW_MS, lambda mac: mac),
        (Refusal.UNSIGNED, keys.ROUNDS, NOW_MS, lambda mac: b""),
        (Refusal.WRONG_VERSION, keys.ROUNDS, NOW_MS, lambda mac: b"\x09" + mac[1:]),
        (Refusal.MALFORMED, keys.ROUNDS, NOW_MS, lambda mac: mac[:-1]),
        (Refusal.MALFORMED, keys.ROUNDS, NOW_MS, lambda mac: mac + b"\0"),
        (Refusal.UNKNOWN_KEY, keys.ROUNDS, NOW_MS, lambda mac: mac[:1] + b"????" + mac[5:]),
        (Refusal.FORGED, keys.VERDICTS, NOW_MS, lambda mac: mac),
        (Refusal.EXPIRED, keys.ROUNDS, NOW_MS + 10_001, lambda mac: mac),
        (Refusal.PREMATURE, keys.ROUNDS, NOW_MS - SKEW_MS - 1, lambda mac: mac),
    ],
)
def test_a_message_of_the_control_plane_needs_its_code(
    why: Refusal | None, place: str, at_ms: int, change: Callable[[bytes], bytes]
) -> None:
    mac = change(MACS.mac(keys.ROUNDS, BODY, NOW_MS))
    assert MACS.refusal(place, BODY, mac, at_ms, 10_000) == why


def test_the_name_of_a_field_may_have_any_length() -> None:
    assert MACS.refusal("p" * 70_000, BODY, MACS.mac("p", BODY, NOW_MS), NOW_MS) is Refusal.WRONG_PLACE


def test_a_new_seal_key_is_known_everywhere_before_it_is_used() -> None:
    new = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    both = ControlMacs([stream_key(new), stream_key(SEAL_KEY)])
    assert MACS.refusal("p", BODY, both.mac("p", BODY, NOW_MS), NOW_MS) is None
    after = ControlMacs([stream_key(new)])
    assert both.refusal("p", BODY, after.mac("p", BODY, NOW_MS), NOW_MS) is None
    assert after.refusal("p", BODY, MACS.mac("p", BODY, NOW_MS), NOW_MS) is Refusal.UNKNOWN_KEY
    assert control_signing_key(new).public != control_signing_key(SEAL_KEY).public


def entry(envelope: bytes, body: bytes = b"\x90") -> dict[bytes, bytes]:
    return {keys.BODY: body, keys.ENVELOPE: envelope}


def test_the_regions_keys_are_those_that_the_control_plane_published_last() -> None:
    keyring = RegionKeyring(MACS)
    mine = entry(signer().sign(PLACE, b"\x90", 60))
    assert keyring.admit_results("eu-west", mine, NOW_MS).refused == {Refusal.UNKNOWN_KEY: 1}
    old = published(MACS, {"eu-west": [OTHER.public]}, NOW_MS - LIST_AGE_MOST_MS - 1)
    assert keyring.learn(old, NOW_MS) is Refusal.EXPIRED
    assert keyring.learn(published(ControlMacs([b"x" * 32]), {}, NOW_MS), NOW_MS) is Refusal.UNKNOWN_KEY
    assert keyring.learn(published(MACS, {"eu-west": [OTHER.public, KEY.public]}, NOW_MS), NOW_MS) is None
    assert keyring.admit_results("eu-west", mine, NOW_MS).refused == {}, "two keys overlap"
    assert keyring.learn(published(MACS, {"eu-west": [OTHER.public]}, NOW_MS + 1), NOW_MS) is None
    assert keyring.learn(published(MACS, {"eu-west": [KEY.public]}, NOW_MS), NOW_MS) is None
    assert keyring.admit_results("eu-west", mine, NOW_MS).refused == {Refusal.UNKNOWN_KEY: 1}, "an older list"
    earlier_ms = NOW_MS - 3_600_000
    assert keyring.learn(published(MACS, {"eu-west": [KEY.public]}, earlier_ms), earlier_ms) is None
    signed = (b"\x90", signer(earlier_ms).sign(PLACE, b"\x90", 60))
    assert keyring.regions == ["eu-west"]
    assert keyring.refusal("eu-west", PLACE, signed, earlier_ms) is None, "the clock was ahead, and put right"


def test_an_entry_counts_once_and_one_that_is_replayed_by_the_operator_counts_too() -> None:
    keyring = RegionKeyring(MACS)
    keyring.learn(published(MACS, {"eu-west": [KEY.public]}, NOW_MS), NOW_MS)
    mine = entry(signer().sign(PLACE, b"\x90", 60))
    assert [keyring.admit_results("eu-west", mine, NOW_MS, 60_000).refused for _ in range(2)] == [
        {}, {Refusal.REPLAYED: 1},
    ]  # fmt: skip
    keyring.read_again()
    assert keyring.admit_results("eu-west", mine, NOW_MS, 60_000).refused == {}
    assert keyring.admit_results("us-east", mine, NOW_MS, 60_000).refused == {Refusal.UNKNOWN_KEY: 1}
    assert keyring.admit_results("eu-west", {keys.BODY: b"\x90"}, NOW_MS).refused == {Refusal.UNSIGNED: 1}
    large = entry(mine[keys.ENVELOPE], bytes(4 * 1024 * 1024 + 1))
    assert keyring.admit_results("eu-west", large, NOW_MS).refused == {Refusal.OVERSIZED: 1}
    assert keyring.admit_results("eu-west", entry(MACS.mac(PLACE, b"\x90", NOW_MS)), NOW_MS).refused == {}


@pytest.mark.parametrize("text", ["hunter2", "AAAA", "é"])
def test_a_key_that_is_none_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(KeyUnusable) as refused:
        decoded_keys(text)
    assert text not in str(refused.value)
