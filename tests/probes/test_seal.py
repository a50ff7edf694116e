"""Secrets of checks: only the region they are sealed to can open them."""

from __future__ import annotations

import pytest

from probes.seal import Opener, Sealer, SealError, generate_keypair, seal, seal_secrets


def test_what_is_sealed_to_a_region_opens_with_its_key() -> None:
    private, public = generate_keypair()
    opener = Opener(private)
    assert opener.public == public
    assert opener.open(seal(public, b"a key")) == b"a key"
    assert opener.secrets(seal_secrets(public, {"bearer": "s3cret"})) == {"bearer": "s3cret"}


def test_sealing_twice_gives_different_boxes_that_do_not_show_the_secret() -> None:
    _, public = generate_keypair()
    first, second = seal(public, b"a key that is long"), seal(public, b"a key that is long")
    assert first != second
    assert b"a key" not in first


def test_no_secrets_make_no_box() -> None:
    assert seal_secrets(generate_keypair()[1], {}) == b""


def test_another_regions_key_does_not_open_a_box() -> None:
    box = seal(generate_keypair()[1], b"a key")
    with pytest.raises(SealError):
        Opener(generate_keypair()[0]).open(box)


def test_one_sealer_makes_the_same_box_of_the_same_secrets_and_no_nonce_serves_two() -> None:
    private, public = generate_keypair()
    sealer, opener = Sealer(public), Opener(private)
    boxes = [sealer.seal_secrets({"bearer": f"key-{number}"}) for number in range(300)]
    assert len({box[33:45] for box in boxes}) == len(boxes)
    assert [opener.secrets(box) for box in boxes] == [{"bearer": f"key-{number}"} for number in range(300)]
    assert sealer.seal_secrets({"a": "1", "b": "2"}) == sealer.seal_secrets({"b": "2", "a": "1"})


@pytest.mark.parametrize("place", [0, 1, 20, 33, 45, -1])
def test_a_damaged_box_does_not_open(place: int) -> None:
    private, public = generate_keypair()
    box = bytearray(seal(public, b"a key"))
    box[place] ^= 1
    with pytest.raises(SealError):
        Opener(private).open(bytes(box))


@pytest.mark.parametrize("box", [b"", b"\x02", b"\x02" + bytes(32), b"\x02" + bytes(72), b"\x01" + bytes(72)])
def test_a_box_cut_short_or_with_a_degenerate_key_does_not_open(box: bytes) -> None:
    with pytest.raises(SealError):
        Opener(generate_keypair()[0]).open(box)


@pytest.mark.parametrize("key", ["", "not base64!", "c2hvcnQ="])
def test_a_private_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SealError) as refused:
        Opener(key)
    assert not key or key not in str(refused.value)


def test_a_public_key_that_is_none_is_refused() -> None:
    with pytest.raises(SealError):
        seal(b"short", b"a key")


def test_an_opener_does_not_show_its_key() -> None:
    private, _ = generate_keypair()
    assert private not in repr(Opener(private))
