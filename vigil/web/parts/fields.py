"""Form fields: label, hint, control and errors; and the list of errors on top of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `kind` is an input's type, `select`, `textarea`, `checks` for boxes of `options`, or `stored` for a
    secret that is only replaced. The value of a box is `on`, that of `checks` its ticked values, one a line."""

    name: str
    label: str
    value: str = ""
    kind: str = "text"
    hint: str = ""
    errors: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    required: bool = False
    #: Why it cannot be changed here, such as "kept in vigil.yaml".
    fixed: str = ""
    autocomplete: str = "off"
    #: Unit after a number, such as `ms`.
    unit: str = ""
    #: Whether its boxes are some of many, with a search, and the words that were searched.
    finds: bool = False
    sought: str = ""

    @property
    def ticked(self) -> frozenset[str]:
        """Ticked values of boxes."""
        return frozenset(self.value.split("\n"))

    @property
    def described_by(self) -> str:
        """Ids of the hint and the errors, as `aria-describedby` takes them."""
        hint, errors = f"f-{self.name}-h" if self.hint else "", f"f-{self.name}-e" if self.errors else ""
        return f"{hint} {errors}".strip()


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One error of a form, and the field that it links to; without a field it is the form's."""

    text: str
    field: str = ""


def problems(by_field: Mapping[str, Sequence[str]]) -> list[FormProblem]:
    """Errors of a form as its list on top; those under `__all__` belong to no field."""
    return [
        FormProblem(text, "" if field == "__all__" else field) for field, texts in by_field.items() for text in texts
    ]
