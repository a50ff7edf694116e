"""Error mapping: `ValidationError` of the write paths to 400 responses by field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from rest_framework import serializers


@contextmanager
def refusals_as_400() -> Iterator[None]:
    """Within it, a `ValidationError` becomes a 400 with its fields."""
    try:
        yield
    except ValidationError as refused:
        raise serializers.ValidationError(serializers.as_serializer_error(refused)) from None
