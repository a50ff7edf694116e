"""RFC 9535 JSONPath for untrusted answers: strict, with RE2 for regular expressions, and bounded in steps."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError, JSONPathMatch
from jsonpath.filter import BaseExpression, FilterExpression, FilterQuery
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.selectors import Filter, FilterContext

from probes.assertions.regex import BadPattern, compiled

#: Longest path accepted (characters).
PATH_LIMIT = 512
#: Steps of one evaluation: a node visited, a filter used, a comparison, a piece of text matched. A filter within a
#: filter over a large answer is quadratic and worse without it; this many take one to two tenths of a second.
STEPS_LIMIT = 30_000
#: Steps of all the paths of one check together.
STEPS_LIMIT_OF_ALL = 60_000
#: Comparing one array or object with another may go through all of both.
_STRUCTURES_STEPS = 500
#: What RE2 does in the time of a step, at worst: instructions of a pattern for each byte of a text.
_MATCHING_A_STEP = 500
#: A pattern that comes from the answer itself has to be compiled.
_COMPILING_STEPS = 50


class BadPath(ValueError):
    """A path that is no JSONPath, with what is wrong with it."""


class TooManySteps(Exception):
    """The answer is too large for this path."""


class _Meter(threading.local):
    """The steps that the evaluation of this thread may still make."""

    left = 0
    left_of_all = STEPS_LIMIT_OF_ALL
    bounded = False

    def count(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooManySteps


_meter = _Meter()


class _CountedMatch(JSONPathMatch):
    """A visited node, which is counted, and does not spell out where it is."""

    __slots__ = ()

    def __init__(self, obj: object, root: Any) -> None:
        _meter.count(1)
        self._filter_context = {}
        self.children = []
        self.obj = obj
        self.parent = None
        self.parts = ()
        self.path = ""
        self.root = root

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:
        return _CountedMatch(obj, self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        """They are never used, and would keep every node alive."""


class _CountedFilter(FilterExpression):
    """A filter whose every use, on a scalar too, is counted."""

    def evaluate(self, context: FilterContext) -> bool:
        _meter.count(1)
        return super().evaluate(context)


class _CountedPath(JSONPath):
    """A path whose nodes are counted, and those of the queries within its filters as well."""

    def __init__(self, plain: JSONPath) -> None:
        super().__init__(env=plain.env, segments=plain.segments)
        for segment in self.segments:
            for selector in segment.selectors:
                if isinstance(selector, Filter):
                    _count_within(selector.expression)
                    selector.expression = _CountedFilter(selector.expression.expression)

    def finditer(self, data: Any, *, filter_context: Mapping[str, Any] | None = None) -> Iterable[JSONPathMatch]:
        nodes: Iterable[JSONPathMatch] = [_CountedMatch(data, data)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return nodes


def _count_within(expression: BaseExpression) -> None:
    if isinstance(expression, FilterQuery):
        expression.path = _CountedPath(expression.path)
        return
    for part in expression.children():
        _count_within(part)


class _Regex(FilterFunction):
    """`match()` or `search()` of the RFC."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        _meter.count(1)
        compiled_before = compiled.cache_info().misses
        try:
            matcher = compiled(pattern)
        except BadPattern:
            # As the RFC has it: a pattern that is none matches nothing.
            return False
        finally:
            _meter.count(_COMPILING_STEPS * (compiled.cache_info().misses - compiled_before))
        text = value.encode(errors="replace")
        _meter.count(len(text) * matcher.programsize // _MATCHING_A_STEP)
        return bool(matcher.fullmatch(text) if self._whole else matcher.search(text))


class _Environment(JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"match": _Regex(whole=True), "search": _Regex(whole=False)}

    def compare(self, left: object, operator: str, right: object) -> bool:
        structures = isinstance(left, list | dict) and isinstance(right, list | dict)
        _meter.count(_STRUCTURES_STEPS if structures else 1)
        return super().compare(left, operator, right)


# Without the cache of filter results, which would outlive the answer.
_ENVIRONMENT = _Environment(strict=True, filter_caching=False)


@lru_cache(maxsize=1024)
def compiled_path(path: str) -> JSONPath:
    """The compiled path; raises BadPath."""
    if not 1 <= len(path) <= PATH_LIMIT:
        raise BadPath(f"a path has 1 to {PATH_LIMIT} characters")
    try:
        plain = _ENVIRONMENT.compile(path)
        if isinstance(plain, CompoundJSONPath):
            raise BadPath("not a JSONPath of RFC 9535: several paths in one")
        return _CountedPath(plain)
    except (JSONPathError, RecursionError) as error:
        words = str(error).partition("\n")[0][:160] or "nested too deep"
        raise BadPath(f"not a JSONPath of RFC 9535: {words}") from None


def selected(path: str, document: Any) -> list[object]:
    """The values that a path selects; raises BadPath and TooManySteps."""
    if not isinstance(document, Mapping | Sequence) or isinstance(document, str):
        # A scalar as a whole: only the root itself can be selected.
        return [document] if path == "$" else []
    allowed = _meter.left = min(STEPS_LIMIT, _meter.left_of_all) if _meter.bounded else STEPS_LIMIT
    try:
        return [match.obj for match in compiled_path(path).finditer(document)]
    except (JSONPathError, RecursionError):
        raise TooManySteps from None
    finally:
        _meter.left_of_all -= allowed - max(_meter.left, 0)


@contextlib.contextmanager
def paths_bounded() -> Iterator[None]:
    """Bound the steps of all the paths that are evaluated inside, together: for the assertions of one check."""
    _meter.bounded, _meter.left_of_all = True, STEPS_LIMIT_OF_ALL
    try:
        yield
    finally:
        _meter.bounded = False
