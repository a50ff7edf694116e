"""The bytes of the messages, written down: what one release sends, the next must read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from probes import keys, wire
from probes.reasons import ACCOUNT_REASONS, NO_VOTE_REASONS, Reason, Status
from probes.seal import Opener, SealError, binding
from probes.signing.control_macs import ControlMacs
from probes.signing.private_keys import encoded_key, region_signing_key, stream_key
from probes.signing.region_keyring import published
from probes.signing.signatures import Signer
from probes.wire import Batch, Check, Lane, Phases, RegionStatus, Result, SignedBatch, StandingNews

BATCH = Batch(
    1,
    "eu-west",
    Lane.CONFIRM,
    [
        Check(
            1,
            "mon_a",
            "http",
            1_800_000_000_000,
            1_800_000_030_000,
            10_000,
            msgspec.Raw(msgspec.msgpack.encode({"url": "https://example.com/"})),
            b"\x01sealed",
            "rnd_b",
            2,
            2500,
            7,
            "example.com",
            60_000,
        )
    ],
)  # fmt: skip
RESULT = Result(
    1, "mon_a", 1_800_000_000_000, Status.DOWN, Reason.HTTP_5XX, 1_800_000_000_123, Phases(1, 2, 3, 4, 10),
    "rnd_b", 2, 2, 503, "answered 503", {"address": "192.0.2.1", "body_bytes": 5}, 7,
)  # fmt: skip
STATUS = RegionStatus(
    1, 1_800_000_000_000, -12, 0, 3, 1_799_999_999_000, "boot", "0.1.0", b"\x02" * 4, "private", 4, 3, True, 2000
)  # fmt: skip
#: What releases before checks named their target send.
BATCH_WITHOUT_TARGETS = (
    "9401a765752d77657374a7636f6e6669726d919c01a56d6f6e5f61a468747470cf000001a3185c5000cf000001a3185cc530"
    "cd271081a375726cb468747470733a2f2f6578616d706c652e636f6d2fc407017365616c6564a5726e645f6202cd09c407"
)
#: What releases before standing orders send: no distance of slots.
BATCH_FOR_ONCE = (
    "9401a765752d77657374a7636f6e6669726d919d01a56d6f6e5f61a468747470cf000001a3185c5000cf000001a3185cc530"
    "cd271081a375726cb468747470733a2f2f6578616d706c652e636f6d2fc407017365616c6564a5726e645f6202cd09c407"
    "ab6578616d706c652e636f6d"
)
#: What releases before the anchors send.
STATUS_WITHOUT_ANCHORS = (
    "9a01cf000001a3185c5000f40003cf000001a3185c4c18a4626f6f74a5302e312e30c40402020202a770726976617465"
)

#: `{"bearer": "obviously-fake"}`, sealed to the key of 32 times 1: by this release for one check, and by the last one.
BOX_VERSION_3 = (
    "038770ca654f6ebd92c73cba92e41429826eeccf2e0821d7ade2cfe417f7c57c6f889823a6118baad6ea3517b8e41ba988c6"
    "74a7d536f943da96f69d22b27d4e813f6a99aad7270bf1fd8d46459efcdf1b735a50"
)
BOX_VERSION_2 = (
    "02e7689cac21b85e347e8c0b93d9da5b9f6bd609d6bfc22be0a79ff6abcd250d6d5ffa4eb4181e5ed9c1ef565f4fb47ff36a"
    "14d2433c73a0a455c8bbbb27c6d9b926f0a78852d569ae71b846c27b74ab8d02a5c0"
)

#: An entry of no results, signed by the region of that key; the MAC of the same bytes as a round; a list of one key.
ENVELOPE = (
    "0108da3f5ec97b479573656e6400066517289880000000003c15766967696c3a726573756c74733a65752d77657374fbe12f"
    "eb6d5fb11f39330e29bfb14c337ae4ab4f7de15a7fe099de37b75700d0204c85d6a31edc6901571adeb687449c7ec2a7487a"
    "8d9189a2121bc668b7ad07"
)
MAC = "01c6801e40000001a3185c5000fd7f5134a85bc8a4726014c91f2913d0"
REGION_KEY_LIST = (
    "01c6801e40000001a3185c50008daed01bf7df6bca10c6149fe887f8749301cf000001a3185c500081a765752d7765737491"
    "c4200101010101010101010101010101010101010101010101010101010101010101"
)

GOLDEN = {
    "batch": (
        BATCH,
        "9401a765752d77657374a7636f6e6669726d919e01a56d6f6e5f61a468747470cf000001a3185c5000cf000001a3185cc530"
        "cd271081a375726cb468747470733a2f2f6578616d706c652e636f6d2fc407017365616c6564a5726e645f6202cd09c407"
        "ab6578616d706c652e636f6dcdea60",
    ),
    "results": (
        [RESULT],
        "919e01a56d6f6e5f61cf000001a3185c5000a4646f776ea8687474705f357878cf000001a3185c507b95010203040aa5726e"
        "645f620202cd01f7ac616e7377657265642035303382a761646472657373a93139322e302e322e31aa626f64795f62797465"
        "730507",
    ),
    "result": (
        RESULT,
        "9e01a56d6f6e5f61cf000001a3185c5000a4646f776ea8687474705f357878cf000001a3185c507b95010203040aa5726e64"
        "5f620202cd01f7ac616e7377657265642035303382a761646472657373a93139322e302e322e31aa626f64795f6279746573"
        "0507",
    ),
    "status": (
        STATUS,
        "9f01cf000001a3185c5000f40003cf000001a3185c4c18a4626f6f74a5302e312e30c40402020202a7707269766174650403c3cd07d080",
    ),
    "news": (
        StandingNews(1, [SignedBatch(b"batch", b"envelope")]),
        "92019192c4056261746368c408656e76656c6f7065",
    ),
}
DECODERS: dict[str, Callable[[bytes], object]] = {
    "batch": wire.decode_batch,
    "results": wire.decode_results,
    "result": wire.decode_result,
    "status": wire.decode_status,
    "news": wire.decode_news,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_message_is_these_bytes_and_nothing_else(name: str) -> None:
    message, golden = GOLDEN[name]
    assert wire.encode(cast(Any, message)).hex() == golden


@pytest.mark.parametrize("name", GOLDEN)
def test_these_bytes_are_this_message(name: str) -> None:
    message, golden = GOLDEN[name]
    assert DECODERS[name](bytes.fromhex(golden)) == message


def test_a_result_of_an_older_release_without_the_last_fields_is_read() -> None:
    short = msgspec.msgpack.encode([1, "mon_a", 5, "up", "ok", 6, [0, 0, 0, 0, 9]])
    assert wire.decode_result(short) == Result(1, "mon_a", 5, Status.UP, Reason.OK, 6, Phases(total_us=9))


def test_a_batch_of_a_release_whose_checks_name_no_target_is_read() -> None:
    (check,) = wire.decode_batch(bytes.fromhex(BATCH_WITHOUT_TARGETS)).checks

    assert check == msgspec.structs.replace(BATCH.checks[0], target="", every_ms=0)


def test_a_batch_of_a_release_without_standing_orders_is_read_and_nobody_goes_on_with_it() -> None:
    (check,) = wire.decode_batch(bytes.fromhex(BATCH_FOR_ONCE)).checks

    assert check == msgspec.structs.replace(BATCH.checks[0], every_ms=0)


def test_a_status_of_a_release_without_anchors_is_read_and_nothing_is_held_against_it() -> None:
    status = wire.decode_status(bytes.fromhex(STATUS_WITHOUT_ANCHORS))

    assert status == msgspec.structs.replace(STATUS, anchors=0, anchors_failing=0, alone=False, kept=0)
    assert not status.is_adrift
    assert STATUS.is_adrift


def test_a_result_of_a_newer_release_with_more_fields_is_read() -> None:
    fields = msgspec.msgpack.decode(wire.encode(RESULT))
    assert wire.decode_result(msgspec.msgpack.encode([*fields, "later"])) == RESULT


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x93\x01\x02\x03", msgspec.msgpack.encode({"v": 1})])
def test_anything_else_is_refused(payload: bytes) -> None:
    for decode in DECODERS.values():
        with pytest.raises(msgspec.DecodeError):
            decode(payload)


def test_s08_boxes_of_a_release_without_binding_are_refused_and_those_of_this_one_stay_readable() -> None:
    bound = binding("eu-west", "mon_a", "http", b"spec")
    opener = Opener("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
    assert opener.secrets(bytes.fromhex(BOX_VERSION_3), bound) == {"bearer": "obviously-fake"}
    with pytest.raises(SealError, match="waits for a new order"):
        opener.secrets(bytes.fromhex(BOX_VERSION_2), bound)


def test_a_check_has_the_same_id_whoever_derives_it() -> None:
    assert (
        str(wire.check_id("mon_a", "eu-west", 1_800_000_000_000, "rnd_b", 2)) == "6c292be2-f878-57da-b327-8d0ac3561131"
    )


#: Every reason ever sent: results of older releases lie in streams and in history, so none is renamed or taken back.
SPOKEN = [
    "ok",
    "dns_error",
    "refused",
    "reset",
    "unreachable",
    "timeout",
    "tls_error",
    "certificate_expired",
    "certificate_expiring",
    "certificate_invalid",
    "protocol_error",
    "too_many_redirects",
    "too_large",
    "http_4xx",
    "http_5xx",
    "unexpected_status",
    "body_mismatch",
    "header_mismatch",
    "value_mismatch",
    "model_missing",
    "model_not_loaded",
    "loading",
    "overloaded",
    "stalled",
    "busy",
    "slow",
    "auth",
    "quota",
    "rate_limited",
    "config",
    "blocked",
    "missed",
    "overdue",
    "probe_error",
    "skipped",
    "domain_expiring",
    "domain_expired",
    "bad_redirect",
    "bot_filter",
    "geo_blocked",
]


def test_the_vocabulary_of_reasons_only_grows() -> None:
    assert set(SPOKEN) <= {reason.value for reason in Reason}


def test_what_says_nothing_of_the_target_has_no_vote() -> None:
    assert {"blocked", "missed", "overdue", "probe_error", "skipped"} <= NO_VOTE_REASONS
    assert not NO_VOTE_REASONS & ACCOUNT_REASONS


def test_the_keyspace_is_as_drawn() -> None:
    assert (keys.results("eu-west"), keys.latest("eu-west"), keys.status("eu-west")) == (
        "vigil:results:eu-west",
        "vigil:latest:eu-west",
        "vigil:region:eu-west",
    )
    assert keys.celery_prefix("eu-west") + keys.queue("eu-west", Lane.CONFIRM) == (
        "vigil:celery:eu-west:probes.eu-west.confirm"
    )


def test_an_envelope_a_mac_and_the_list_of_keys_are_these_bytes() -> None:
    at_ms, macs = 1_800_000_000_000, ControlMacs([stream_key("A" * 43 + "=")])
    signer = Signer(region_signing_key(encoded_key(bytes([1]) * 32)), b"send", lambda: at_ms)
    assert signer.sign(keys.results("eu-west"), b"\x90", 60).hex() == ENVELOPE
    assert macs.mac(keys.ROUNDS, b"\x90", at_ms).hex() == MAC
    assert published(macs, {"eu-west": [bytes([1]) * 32]}, at_ms).hex() == REGION_KEY_LIST
