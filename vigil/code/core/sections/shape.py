"""Shape of a section, and the fields that several sections have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vigil.code.core.fields.structured import KeyType
from vigil.code.core.fields.times import ZoneType
from vigil.code.core.fields.types import KEY_PATTERN, ChoiceType, FieldType, FlagType, ListType, TextType

SECOND, MINUTE, DAY_MS = 1_000, 60_000, 86_400_000
#: The sections whose keys share one namespace: monitors and what is built on them.
WATCHED = ("monitors", "heartbeats", "composites")


class _Unset:
    """A field that is left as it is where the document does not name it."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


@dataclass(frozen=True, slots=True)
class SectionField:
    """One field: its type, the default that holds where it is not written, and words for the schema."""

    type: FieldType
    words: str
    default: Any = UNSET
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of object. `kinds`: whose config stands under the name of its kind, with `secrets` beside it.

    `grouped`: `defaults` and `groups` apply. `most` objects in a document, whose keys match `key_pattern`.
    """

    noun: str
    words: str
    fields: Mapping[str, SectionField]
    kinds: str = ""
    grouped: tuple[str, ...] = ()
    most: int = 1_000
    key_pattern: str = KEY_PATTERN


def one_of(words: type[StrEnum]) -> ChoiceType:
    return ChoiceType(tuple(word.value for word in words))


def words_of(most: int, length: int = 50) -> ListType:
    return ListType(TextType(length, line=True), most)


NAME = SectionField(TextType(200, line=True), "Name for people; the key if left out.")
SHORT_NAME = SectionField(TextType(100, line=True), "Name for people; the key if left out.")
TAGS = SectionField(words_of(20), "Tags, which routes and silences match.", [])
#: As the model of monitors lists them, which this pure module cannot read; a test compares them.
PRIORITY = ChoiceType(("high", "normal", "low"))
PRIORITY_FIELD = SectionField(PRIORITY, "Shifts the severity of incidents; routes may match it.", "normal")
PAUSED = SectionField(FlagType(), "Whether checks are paused; left as it is if not given.")
ZONE = SectionField(ZoneType(), "Time zone, such as Europe/Berlin.", "UTC")
WATCHED_KEY = KeyType(WATCHED)
CHANNEL_KEYS = ListType(KeyType(("channels",)), 50)
