"""Settlement of canaries' results: what each cost, and the answer that it brought, in the recorder's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from probes.specs.canary import price_of
from probes.wire import Result
from vigil.canaries.core.budget import settle
from vigil.canaries.core.window import answer_of, with_answer
from vigil.canaries.models import Canary
from vigil.canaries.rows import (
    ACCOUNT_FIELDS,
    account_of,
    answers_of,
    keep_account,
    keep_answers,
    locked_canaries,
    spec_of,
)


def settle_results(results: Sequence[tuple[int, Result]], regions: Mapping[int, str]) -> int:
    """Settle results, each with the region (its key) whose stream it came on; returns how many were of a reservation.

    `regions` names regions by key. A result that nothing was reserved for changes nothing: a region cannot make up
    answers. Call inside a transaction; one update for all.
    """
    rows = locked_canaries({result.monitor for _, result in results})
    settled = 0
    for key, result in results:
        row, region = rows.get(result.monitor), regions.get(key, "")
        if row is not None and region and _settled(row, region, result):
            settled += 1
    if settled:
        Canary.objects.bulk_update(rows.values(), (*ACCOUNT_FIELDS, "answers"))
    return settled


def _settled(row: Canary, region: str, result: Result) -> bool:
    if str(result.at_ms) not in row.reserved:
        return False
    # Of an answer to another configuration, whose model may have had another price, the most counts.
    spec = spec_of(row.monitor) if result.revision == row.monitor.revision else None
    account = settle(account_of(row), region, result, price_of(spec) if spec is not None else None)
    if account is None:
        return False
    keep_account(row, account)
    answer = answer_of(region, result)
    if answer is not None:
        keep_answers(row, with_answer(answers_of(row), answer))
    return True
