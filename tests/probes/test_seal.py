"""Secrets of checks: only the region they are sealed to can open them."""

from __future__ import annotations

import pytest

from probes.seal import Opener, Sealer, SealError, binding, generate_keypair

SPEC = b"spec"
BOUND = binding("eu-west", "mon_a", "http", SPEC)


def test_what_is_sealed_to_a_region_opens_with_its_key() -> None:
    private, public = generate_keypair()
    sealer, opener = Sealer(public), Opener(private)
    assert opener.public == public
    assert opener.open(sealer.seal(b"a key", BOUND), BOUND) == b"a key"
    assert opener.secrets(sealer.seal_secrets({"bearer": "s3cret"}, BOUND), BOUND) == {"bearer": "s3cret"}


def test_two_sealers_make_different_boxes_that_do_not_show_the_secret() -> None:
    _, public = generate_keypair()
    first, second = (Sealer(public).seal(b"a key that is long", BOUND) for _ in range(2))
    assert first != second
    assert b"a key" not in first


def test_no_secrets_make_no_box() -> None:
    assert Sealer(generate_keypair()[1]).seal_secrets({}, BOUND) == b""


def test_another_regions_key_does_not_open_a_box() -> None:
    box = Sealer(generate_keypair()[1]).seal(b"a key", BOUND)
    with pytest.raises(SealError):
        Opener(generate_keypair()[0]).open(box, BOUND)


@pytest.mark.parametrize(
    "check",
    [
        ("us-east", "mon_a", "http", SPEC),
        ("eu-west", "mon_b", "http", SPEC),
        ("eu-west", "mon_a", "tcp", SPEC),
        ("eu-west", "mon_a", "http", b"another spec"),
        ("eu-westmon_a", "", "http", SPEC),
        ("eu-west", "mon_a", "httpspec", b""),
    ],
)
def test_s08_a_box_does_not_open_on_another_check_even_when_it_was_opened_before(
    check: tuple[str, str, str, bytes],
) -> None:
    private, public = generate_keypair()
    box, opener = Sealer(public).seal_secrets({"bearer": "s3cret"}, BOUND), Opener(private)
    assert opener.secrets(box, BOUND) == {"bearer": "s3cret"}
    with pytest.raises(SealError):
        opener.secrets(box, binding(*check))
    assert opener.secrets(box, BOUND) == {"bearer": "s3cret"}


def test_one_sealer_makes_the_same_box_of_the_same_check_and_no_nonce_serves_two() -> None:
    private, public = generate_keypair()
    sealer, opener = Sealer(public), Opener(private)
    bounds = [binding("eu-west", f"mon_{number}", "http", SPEC) for number in range(2)]
    sealed = [(bound, sealer.seal_secrets({"bearer": f"key-{n}"}, bound)) for bound in bounds for n in range(150)]
    assert len({box[33:45] for _, box in sealed}) == len(sealed)
    assert [opener.secrets(box, bound) for bound, box in sealed] == [{"bearer": f"key-{n}"} for n in range(150)] * 2
    assert sealer.seal_secrets({"a": "1", "b": "2"}, BOUND) == sealer.seal_secrets({"b": "2", "a": "1"}, BOUND)


@pytest.mark.parametrize("place", [0, 1, 20, 33, 45, -1])
def test_a_damaged_box_does_not_open(place: int) -> None:
    private, public = generate_keypair()
    box = bytearray(Sealer(public).seal(b"a key", BOUND))
    box[place] ^= 1
    with pytest.raises(SealError):
        Opener(private).open(bytes(box), BOUND)


@pytest.mark.parametrize("box", [b"", b"\x03", b"\x03" + bytes(32), b"\x03" + bytes(72), b"\x02" + bytes(72)])
def test_a_box_cut_short_or_with_a_degenerate_key_does_not_open(box: bytes) -> None:
    with pytest.raises(SealError):
        Opener(generate_keypair()[0]).open(box, BOUND)


@pytest.mark.parametrize("key", ["", "not base64!", "c2hvcnQ="])
def test_a_private_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SealError) as refused:
        Opener(key)
    assert not key or key not in str(refused.value)


def test_a_public_key_that_is_none_is_refused() -> None:
    with pytest.raises(SealError):
        Sealer(b"short")


def test_an_opener_does_not_show_its_key() -> None:
    private, _ = generate_keypair()
    assert private not in repr(Opener(private))
