"""Text of very many samples in Prometheus' format 0.0.4: families with their help, and lines that were made once.

prometheus-client makes an object for each sample, which costs five times as much for a hundred thousand of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: What a label may not hold as it is.
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_LABEL_MOST = 500
#: How the samples of a family are named, by its kind.
_SUFFIXES = {"summary": ("_sum", "_count"), "histogram": ("_bucket", "_sum", "_count")}


def label(name: str, value: object) -> str:
    """One label as text; the value is cut where it is longer than any reader wants."""
    return f'{name}="{str(value)[:_LABEL_MOST].translate(_ESCAPES)}"'


def labels(named: Mapping[str, object]) -> str:
    """Labels as text, without braces."""
    return ",".join(label(name, value) for name, value in named.items())


class SampleText:
    """Collects samples by family, and gives them as one text: the samples of a family must stand together."""

    def __init__(self, families: Mapping[str, tuple[str, str]]) -> None:
        self._families = families
        self._lines: defaultdict[str, list[str]] = defaultdict(list)
        #: Families by the names of their samples.
        self._of = {
            name + suffix: name for name, (kind, _) in families.items() for suffix in _SUFFIXES.get(kind, ("",))
        }

    def add(self, name: str, named: str, value: float) -> None:
        """Add a sample: `named` is its labels as text."""
        self._lines[self._of[name]].append(f"{name}{{{named}}} {value}\n" if named else f"{name} {value}\n")

    def add_all(self, named: str, samples: Iterable[tuple[str, str, float]]) -> None:
        """Add samples that share labels: name, further labels with a comma in front, and value of each."""
        lines, of = self._lines, self._of
        for name, more, value in samples:
            lines[of[name]].append(f"{name}{{{named}{more}}} {value}\n")

    def text(self) -> bytes:
        """Families in the order in which they are declared."""
        found: list[str] = []
        for name, (kind, words) in self._families.items():
            lines = self._lines.get(name)
            if lines:
                found.append(f"# HELP {name} {words}\n# TYPE {name} {kind}\n")
                found += lines
        return "".join(found).encode("utf-8", "replace")
