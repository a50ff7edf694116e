"""Page of metrics in the Prometheus text format, read for some families only. Pure.

A page may have a hundred thousand lines: each costs one cut and one look into a dictionary, and only lines of wanted
families are read further. No pattern gives back what it took, so that no line costs more than its length. Format: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from probes.ai.engines.shape import Engine

#: Nothing longer is a sample of a metric (bytes), and no page has more samples that matter.
_LINE_MOST, _SAMPLES_MOST = 4096, 20_000
#: Lines of a page that are looked at.
LINES_MOST = 500_000
#: Lines of a part of a page (about a MiB) that are looked at: those of a real page are longer than this allows.
_PART_LINES_MOST = 50_000
#: No counter of a server is larger, and sums of so many stay numbers.
_NUMBER_MOST = 1e18
#: Label sets of a family that is kept as a whole.
_LABEL_SETS_MOST = 500
#: A name, labels (whose quoted values may hold anything), and the number.
_SAMPLE = re.compile(rb'\s*+[\w:]++\s*+(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*+")*+)\}\s*+)?(\S+)')
_LABEL = re.compile(rb'\b(\w++)\s*+=\s*+"((?:[^"\\]|\\.)*+)"')
_ENGINE_NAME_MOST = 40

#: What is the same series but for a rank that repeats it -> its value.
_Series = dict[object, float]


@dataclass(slots=True)
class LabelSet:
    """One sample of a family that is kept as a whole: its labels and its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(slots=True)
class FoundMetrics:
    """The wanted values of a page: by family, then by engine ("" where none is named), each one number a series."""

    values: dict[str, dict[str, _Series]] = field(default_factory=dict)
    label_sets: dict[str, list[LabelSet]] = field(default_factory=dict)

    def engines(self, families: Iterable[str]) -> set[str]:
        """The engines that any of these families names."""
        return {engine for family in families for engine in self.values.get(family, ())}

    def sum(self, family: str, engine: str | None = None) -> float | None:
        """The sum over all series of a family, of one engine or of all; None where there is none."""
        found = self._series(family, engine)
        return math.fsum(found) if found else None

    def largest(self, family: str, engine: str | None = None) -> float | None:
        """The largest value of a family."""
        return max(self._series(family, engine), default=None)

    def _series(self, family: str, engine: str | None) -> list[float]:
        of_family = self.values.get(family, {})
        chosen = of_family.values() if engine is None else [of_family[engine]] if engine in of_family else []
        return [value for series in chosen for value in series.values()]


@lru_cache(maxsize=64)
def spellings(engine: Engine) -> dict[bytes, str]:
    """Each spelling of a wanted family -> its name.

    Ray, collectors and newer servers write no colon; some write counters without their suffix.
    """
    found: dict[bytes, str] = {}
    for name in engine.families:
        plain = name.replace(":", "_")
        for spelled in (name, plain, f"ray_{plain}"):
            found.setdefault(spelled.encode(), name)
            if spelled.endswith("_total"):
                found.setdefault(spelled.removesuffix("_total").encode(), name)
    return found


def read_page(engine: Engine, page: bytes) -> FoundMetrics:
    """The wanted values of a page; lines that are no samples are passed over."""
    wanted = spellings(engine)
    found, parts = FoundMetrics(), FoundMetrics()
    spelled: dict[str, bytes] = {}
    taken = 0
    for line in page.split(b"\n", LINES_MOST)[:LINES_MOST]:
        name = line.partition(b"{")[0]
        family = wanted.get(name)
        if family is None:
            # A line without labels, or with blanks before or after its name.
            words = name[:200].split(None, 1)
            if not words or (family := wanted.get(words[0])) is None:
                continue
            name = words[0]
        # A page that has a metric in two spellings says the same twice.
        if len(line) > _LINE_MOST or spelled.setdefault(family, name) != name:
            continue
        _take(engine, family, line, (found, parts))
        taken += 1
        if taken >= _SAMPLES_MOST:
            break
    _add_parts(found, parts)
    return found


def sifted(engine: Engine, part: bytes) -> bytes:
    """The lines of a part of a page that count here, and its last line, which may go on.

    JSON stays as it is, and so does what no server writes: so many lines would hold up other checks.
    """
    if engine.from_json is not None and part[:1_000].lstrip()[:1] in (b"{", b"["):
        return part
    if part.count(b"\n") > _PART_LINES_MOST:
        return part
    wanted = spellings(engine)
    lines = part.split(b"\n")
    last = lines.pop()
    kept = [line for line in lines if _counts(line, wanted)]
    return b"\n".join([*kept, last])


def _counts(line: bytes, wanted: Mapping[bytes, str]) -> bool:
    """Whether a line is a sample of a wanted family, with or without blanks around its name, or tells its type."""
    name = line.partition(b"{")[0]
    if name in wanted:
        return True
    words = name[:200].split(None, 3)
    if words and words[0] == b"#":
        return len(words) > 2 and words[1] == b"TYPE" and words[2] in wanted
    return bool(words) and words[0] in wanted


def declares(engine: Engine, page: bytes) -> bool:
    """Whether a page says the type of any wanted family, as clients do of one that has no sample yet."""
    wanted = spellings(engine)
    for line in page.split(b"\n", LINES_MOST)[:LINES_MOST]:
        words = line[:200].split(None, 3) if line.startswith(b"#") else []
        if len(words) > 2 and words[1] == b"TYPE" and wanted.get(words[2], engine.asked) != engine.asked:
            return True
    return False


def _take(engine: Engine, family: str, line: bytes, into: tuple[FoundMetrics, FoundMetrics]) -> None:
    """Put the sample of a line where it belongs; the second are series that a total may stand for."""
    matched = _SAMPLE.match(line)
    try:
        value = float(matched[2]) if matched else math.nan
    except ValueError:
        return
    # What follows the number, a time or an exemplar, does not count.
    if not matched or not -_NUMBER_MOST <= value <= _NUMBER_MOST:
        return
    labels = _labels(matched[1]) if matched[1] else {}
    if family == engine.asked and not _asks(labels):
        # It counts, and nothing of the engine.
        value = 0.0
    found, parts = into
    if family in (engine.adapters, engine.deployments):
        kept = found.label_sets.setdefault(family, [])
        if len(kept) < _LABEL_SETS_MOST:
            kept.append(LabelSet(labels, value))
        return
    target = parts if engine.total and labels.get(engine.total) else found
    name = ", ".join(f"{label} {labels[label][:_ENGINE_NAME_MOST]}" for label in engine.by if labels.get(label))
    series = target.values.setdefault(family, {}).setdefault(name, {})
    if not engine.repeat:
        series[len(series)] = value
        return
    key = tuple(item for item in labels.items() if item[0] not in engine.repeat)
    series[key] = max(value, series.get(key, value))


def _asks(labels: Mapping[str, str]) -> bool:
    """Whether requests went to the engine: no looks at the list of models, none that the server refused by itself."""
    refused = labels.get("status", "").startswith("4")
    return labels.get("method") == "POST" and not refused and "tokenize" not in labels.get("handler", "")


def _labels(text: bytes) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in _LABEL.findall(text)}


def _add_parts(found: FoundMetrics, parts: FoundMetrics) -> None:
    """Series of single priorities count where no series has their total."""
    for family, engines in parts.values.items():
        for engine, series in engines.items():
            found.values.setdefault(family, {}).setdefault(engine, series)
