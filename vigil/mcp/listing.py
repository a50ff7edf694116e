"""Lists of tools: a page of the API with as many rows as fit into an answer, and the cursor to the next ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments, cursor_of
from vigil.mcp.core.bounds import ANSWER_MOST, LONG_ANSWER_MOST, size_of

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)
#: Rows of a list unless asked otherwise, and the most.
ROWS, ROWS_MOST = 8, 50
Rows = Sequence[dict[str, Any]]


class ListAsked(ToolArguments, frozen=True):
    """Base of what lists take."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=ROWS_MOST, description="Rows; more than 8 make a longer answer.")] = (
        ROWS
    )
    cursor: Annotated[str, msgspec.Meta(max_length=2_000, description="`more` of the answer before.")] = ""


def listed(
    api: CallerApi, path: str, asked: ListAsked, build: Callable[[Rows, str | None], AnswerT], **query: Any
) -> AnswerT:
    """The answer that `build` makes of rows and the cursor behind them; too long, it is asked again for fewer."""
    rows, most = asked.limit, ANSWER_MOST if asked.limit <= ROWS else LONG_ANSWER_MOST
    while True:
        page = api.get(path, limit=rows, cursor=asked.cursor, **query)
        answer = build(page["results"], cursor_of(page.get("next")))
        if rows == 1 or size_of(answer) <= most:
            return answer
        rows = max(1, rows * 2 // 3)
