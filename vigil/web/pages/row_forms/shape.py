"""Shape of a row's form: its parts, what it means in words, and what each kind of row has to give."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import Model, QuerySet

from vigil.accounts.models import Team
from vigil.read_models.users import users_of
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

RowT = TypeVar("RowT", bound=Model)
Errors = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class RepeatedRow:
    """One of several rows of a form: its fields, values that travel with it, and where the focus is after a move."""

    number: int
    title: str
    fields: Sequence[FormField] = ()
    carried: Sequence[tuple[str, str]] = ()
    rises: bool = False
    falls: bool = False


@dataclass(frozen=True, slots=True)
class FormBlock:
    """A part of a form: fields, behind a fold if it has one, or repeated rows under their name."""

    fields: Sequence[FormField] = ()
    title: str = ""
    hint: str = ""
    folds: bool = False
    name: str = ""
    rows: Sequence[RepeatedRow] = ()
    #: Words of the button that adds a row, and the choice of what to add; each of `offers` is a button of its own.
    adds: str = ""
    choice: FormField | None = None
    #: Whether the choice is a search, which offers what it finds.
    finds: bool = False
    offers: Sequence[tuple[str, str]] = ()
    #: The word on each of those buttons.
    offered: str = "Add"

    @property
    def opens(self) -> bool:
        """Whether its fold is open: something in it is wrong."""
        return any(field.errors for field in self.fields)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a row means: a sentence, lines of what and when, and what is weak about it."""

    sentence: str
    title: str = ""
    lines: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()


class RowForm(ABC, Generic[RowT]):
    """What the pages of a kind of row need. Validation is the write path's; a form only reads texts."""

    #: Its key in addresses and their names, what one is called, and its section of the API and of documents.
    key: ClassVar[str]
    noun: ClassVar[str]
    section: ClassVar[str]
    base: ClassVar[str]
    place: ClassVar[str] = "on-call"
    #: The field by which one is found.
    lookup: ClassVar[str] = "public_id"
    heading: ClassVar[str]
    #: Whether documents of `vigil.yaml` can hold one.
    in_documents: ClassVar[bool] = True
    #: Most rows of each repeated part.
    repeats: ClassVar[Mapping[str, int]] = {}
    #: Fields of the form by the names that the write path gives them, where they differ.
    renamed: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def rows(self, team: Team) -> QuerySet[RowT]:
        """Rows of a team."""

    @abstractmethod
    def blank(self, reader: PageReader) -> RowT:
        """A new row with its usual values."""

    @abstractmethod
    def texts(self, row: RowT) -> dict[str, str]:
        """What the fields hold before anything is sent; several values of one field are lines."""

    @abstractmethod
    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        """The form with texts as stored or as sent; a number of queries that does not depend on them."""

    @abstractmethod
    def read(self, team: Team, sent: Sent, row: RowT) -> dict[str, Any]:
        """Fields of the write path that a sent form means. Raises `ValidationError` by the names of its fields."""

    @abstractmethod
    def write(self, row: RowT, wanted: Mapping[str, Any]) -> RowT:
        """Create or change the row by the write path that the API has. Raises `ValidationError` by field."""

    @abstractmethod
    def means(self, row: RowT, now: datetime) -> Meaning:
        """What a stored row means."""

    @abstractmethod
    def address(self, row: RowT) -> str:
        """Where a person goes after saving."""

    @abstractmethod
    def index(self) -> str:
        """Where a person goes after deleting."""

    def filled(self, team: Team, sent: Sent, wish: str) -> dict[str, str] | None:
        """The sent form as a button of its own fills it in; None where the button is none."""
        return None

    def lock_first(self, team: Team, public_id: str) -> None:
        """Lock what its write path locks before the row: each order of locks is one, or two writes wait for ever."""

    def delete(self, row: RowT) -> None:
        """Delete a row, which is locked."""
        row.delete()

    def losses(self, row: RowT) -> list[str]:
        """What a deletion takes along, a sentence each."""
        return [f"The {used} loses it." for used in users_of(row)]

    def body(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a call of the API that does the same."""
        return {name: plain(value) for name, value in wanted.items()}

    def name(self, row: RowT) -> str:
        """The name of a row."""
        return str(row)

    def public_id(self, row: RowT) -> str:
        """The id of a row in addresses."""
        return str(getattr(row, "public_id", ""))


def signature(texts: Mapping[str, str]) -> str:
    """A short digest of the fields of a row: a form is saved over the version that it was opened on."""
    return hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """A value of a write path as the API takes it: rows by their ids, times in ISO, decimals as texts."""
    if isinstance(value, Model):
        return str(getattr(value, "public_id", value.pk))
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
