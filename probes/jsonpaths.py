"""RFC 9535 JSONPath on answers of strangers: strict, with RE2 for its regular expressions, and bounded in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError, JSONPathMatch
from jsonpath.function_extensions import ExpressionType, FilterFunction

from probes.patterns import BadPattern, compiled

#: Longest path accepted (characters).
PATH_LIMIT = 512
#: Nodes that one evaluation may visit; a filter within a filter over a large answer is quadratic without it.
STEPS_LIMIT = 50_000
_STEPS = "steps"


class BadPath(ValueError):
    """A path that is no JSONPath, with what is wrong with it."""


class TooManySteps(Exception):
    """The answer is too large for this path."""


class _CountedMatch(JSONPathMatch):
    """A visited node, which is counted, and does not spell out where it is."""

    __slots__ = ()

    def __init__(self, *, filter_context: Mapping[str, Any], obj: object, root: Any, **_: object) -> None:
        left = filter_context[_STEPS]
        left[0] -= 1
        if left[0] < 0:
            raise TooManySteps
        self._filter_context = filter_context
        self.children = []
        self.obj = obj
        self.parent = None
        self.parts = ()
        self.path = ""
        self.root = root

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:
        return _CountedMatch(filter_context=self._filter_context, obj=obj, root=self.root)


class _Regex(FilterFunction):
    """`match()` or `search()` of the RFC."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            matcher = compiled(pattern)
            text = value.encode(errors="replace")
        except BadPattern:
            # As the RFC has it: a pattern that is none matches nothing.
            return False
        return bool(matcher.fullmatch(text) if self._whole else matcher.search(text))


class _BoundedEnvironment(JSONPathEnvironment):
    match_class = _CountedMatch

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"match": _Regex(whole=True), "search": _Regex(whole=False)}


# Without the cache of filter results, which would outlive the answer.
_ENVIRONMENT = _BoundedEnvironment(strict=True, filter_caching=False)


@lru_cache(maxsize=4096)
def compiled_path(path: str) -> JSONPath | CompoundJSONPath:
    """The compiled path; raises BadPath."""
    if not 1 <= len(path) <= PATH_LIMIT:
        raise BadPath(f"a path has 1 to {PATH_LIMIT} characters")
    try:
        return _ENVIRONMENT.compile(path)
    except (JSONPathError, RecursionError) as error:
        words = str(error).partition("\n")[0][:160] or "nested too deep"
        raise BadPath(f"not a JSONPath of RFC 9535: {words}") from None


def selected(path: str, document: Any) -> list[object]:
    """The values that a path selects; raises BadPath and TooManySteps."""
    if not isinstance(document, Mapping | Sequence) or isinstance(document, str):
        # A scalar as a whole: only the root itself can be selected.
        return [document] if path == "$" else []
    try:
        found = compiled_path(path).finditer(document, filter_context={_STEPS: [STEPS_LIMIT]})
        return [match.obj for match in found]
    except (JSONPathError, RecursionError):
        raise TooManySteps from None
