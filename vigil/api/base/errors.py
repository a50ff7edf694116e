"""Turning the refusals of the write paths into answers with the fields they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from rest_framework import serializers


@contextmanager
def refusals_as_400() -> Iterator[None]:
    """Within it, Django's `ValidationError` becomes a 400 that names the fields."""
    try:
        yield
    except ValidationError as refused:
        raise serializers.ValidationError(serializers.as_serializer_error(refused)) from None
