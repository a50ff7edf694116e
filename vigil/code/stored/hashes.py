"""Keyed hashes by which values are recognised, and which tell nothing of them."""

from __future__ import annotations

from django.utils.crypto import salted_hmac


def secret_hash(value: str) -> str:
    """A keyed hash of a value."""
    return salted_hmac("vigil.code.secret", value, algorithm="sha256").hexdigest()[:32]
