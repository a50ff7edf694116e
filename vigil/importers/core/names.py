"""Keys, names and variables of a document: distinct, bounded and readable. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.text import without_credentials
from vigil.importers.core.report import Variable
from vigil.importers.core.values import REFERENCE_END, REFERENCE_START

KEY_MOST, NAME_MOST, TAG_MOST, TAGS_MOST = 60, 200, 50, 20
_VARIABLE_MOST = 80
_ALIKE = re.compile(r"\$\{(?=(?:env|file):)")
_BEHIND_PATH = re.compile(r"(\w://[^\s?#]*)[?#]\S*")
_REFERENCE = re.compile(f"{REFERENCE_START}([A-Za-z_][A-Za-z0-9_]*){REFERENCE_END}")
#: One in a text that was cut, or written as Python shows it, as well.
_ANY_REFERENCE = re.compile(
    rf"(?:{REFERENCE_START}|\\ufdd0)([A-Za-z0-9_]*)(?:{REFERENCE_END}|\\ufdd1)?|{REFERENCE_END}", re.ASCII
)


def one_line(text: str, most: int = NAME_MOST) -> str:
    """A text on one line, without characters that cannot be seen and keys in URLs, cut to `most` characters."""
    seen = "".join(each if each.isprintable() else " " for each in without_keys(readable(text)[: 4 * most]))
    tidy = " ".join(seen.split())
    return tidy if len(tidy) <= most else tidy[: most - 1].rstrip() + "…"


def without_keys(text: str) -> str:
    """A text whose URLs are without login, query and fragment, any of which may hold a key."""
    return _BEHIND_PATH.sub(r"\1", without_credentials(text)) if "://" in text else text


def slug(text: str, most: int = KEY_MOST) -> str:
    """Lower-case ASCII letters, digits and hyphens; "" where the text has none of these."""
    shown = without_keys(readable(text))[: 4 * most].replace("ß", "ss")
    ascii_only = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")[:most].strip("-")


def has_reference(value: object) -> bool:
    """Whether a text, or anything within a collection, refers to a variable."""
    if isinstance(value, str):
        return REFERENCE_START in value
    if isinstance(value, Mapping):
        return any(map(has_reference, value.values()))
    return isinstance(value, list | tuple) and any(map(has_reference, value))


def readable(text: str) -> str:
    """A text for names and reports: a reference is `$NAME`, which refers to nothing there, also if it was cut."""
    return _ANY_REFERENCE.sub(r"$\1", text)


def as_written(text: str) -> str:
    """A text as it stands in the file: references spelt out, and what the source has of their form made literal."""
    return _REFERENCE.sub(r"${env:\1}", _ALIKE.sub("$${", text))


def with_placeholders(text: str, place: str = "placeholder") -> str:
    """The text with something in the place of each reference, to see whether the rest of it is valid."""
    return _REFERENCE.sub(place, text)


@dataclass(slots=True)
class Distinct:
    """Names given once; a name asked for again gets a number."""

    taken: set[str] = field(default_factory=set)

    def key(self, wanted: str, otherwise: str) -> str:
        base = slug(wanted) or otherwise
        return self._take(base, lambda number: f"{base[: KEY_MOST - 6]}-{number}")

    def name(self, wanted: str, otherwise: str) -> str:
        base = one_line(wanted) or otherwise
        return self._take(base, lambda number: f"{base[: NAME_MOST - 8]} ({number})")

    def _take(self, base: str, numbered: Callable[[int], str]) -> str:
        made, number = base, 2
        while made in self.taken:
            made, number = numbered(number), number + 1
        self.taken.add(made)
        return made


@dataclass(slots=True)
class Variables:
    """Environment variables that the document refers to. A value is kept only to give the same one the same name."""

    _names: dict[str, str] = field(default_factory=dict)
    _holds: dict[str, str] = field(default_factory=dict)

    def secret(self, value: str, owner: str, part: str) -> str:
        """Reference to a new variable for a secret of `owner`; a text that holds a reference already is kept."""
        if has_reference(value):
            return value
        name = self._names.get(value)
        if name is None:
            wanted = slug(f"{one_line(owner, 40)}-{part}", _VARIABLE_MOST).replace("-", "_").upper() or "SECRET"
            base = name = f"V_{wanted}" if wanted[0].isdigit() else wanted
            number = 2
            while name in self._holds:
                name, number = f"{base}_{number}", number + 1
            self._names[value] = name
            self._holds[name] = f"{one_line(part, 80)} of {one_line(owner, 80)}"
        return REFERENCE_START + name + REFERENCE_END

    def of_source(self, name: str, holds: str) -> str:
        """Reference to a variable that the source itself names."""
        self._holds.setdefault(name, readable(holds))
        return REFERENCE_START + name + REFERENCE_END

    def listed(self, document: Any) -> tuple[Variable, ...]:
        """Variables that the document refers to; what was refused needs none."""
        text = "".join(_texts(document))
        used = ((name, REFERENCE_START + name + REFERENCE_END) for name in self._holds)
        return tuple(Variable(name, self._holds[name]) for name, reference in used if reference in text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(name)
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a secret belongs to: a monitor or channel by its name, in one document."""

    variables: Variables
    name: str

    def secret(self, value: str, part: str) -> str:
        return self.variables.secret(value, self.name, part)
