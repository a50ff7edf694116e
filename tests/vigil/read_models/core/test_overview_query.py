"""The overview's query takes what it knows, says what it does not take, and goes back into an address."""

from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.read_models.core.overview_query import (
    GroupBy,
    OverviewQuery,
    Sort,
    StateFilter,
    parse_overview,
    split_words,
)


def parsed(address: str) -> OverviewQuery:
    return parse_overview(parse_qs(address.removeprefix("?"), keep_blank_values=True))


def test_every_parameter_is_read() -> None:
    query = parsed(
        "?q=Chat+api.openai&state=down&state=regional&kind=http&tag=prod&tag=eu&region=eu-west&provider=openai"
        "&failed=24h&group=tag&sort=changed&after=100"
    )
    assert query == OverviewQuery(
        words=("Chat", "api", "openai"), text="Chat api.openai", states=(StateFilter.DOWN, StateFilter.REGIONAL),
        kinds=("http",), tags=("prod", "eu"), region="eu-west", provider="openai", failed=True, group=GroupBy.TAG,
        sort=Sort.CHANGED, after=100,
    )  # fmt: skip
    assert query.is_filtered


def test_what_is_unknown_is_ignored_and_what_is_wrong_is_said() -> None:
    query = parsed("?colour=red&sort=foo&group=bar&state=asleep&failed=1h&after=-1&region=EU!&view=mine")
    assert query.problems[0] == "`group=bar` is not a way to group; showing them by purpose."
    assert "`sort=foo` is not an order; showing problems first." in query.problems
    assert len(query.problems) == 6
    assert not query.is_filtered and query.sort is Sort.PROBLEMS


def test_a_long_value_is_said_in_short() -> None:
    [line] = parsed("?sort=" + "x" * 150).problems
    assert len(line) < 110


def test_an_address_leads_back_to_the_query_and_changes_one_part() -> None:
    query = parsed("?q=chat&state=down&tag=prod&sort=name")
    assert parsed(query.address()) == query
    assert query.address(tag=[]) == "?q=chat&state=down&sort=name"
    assert OverviewQuery().address() == "?"


def test_words_are_split_as_the_index_does() -> None:
    assert split_words("https://api.open-ai.com/v1 'é' & | !") == ["https", "api", "open", "ai", "com", "v1", "é"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["q", "state", "kind", "tag", "region", "provider", "failed", "group", "sort",
                                        "after"]), st.lists(st.text(max_size=30), max_size=3)))  # fmt: skip
def test_any_address_is_a_query(parameters: dict[str, list[str]]) -> None:
    query = parse_overview(parameters)
    assert all("\n" not in word for word in query.words)
    assert parse_overview(parse_qs(query.address().removeprefix("?"))).words == query.words
