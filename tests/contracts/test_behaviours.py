"""The twenty behaviours of the pages (`surface.md`, "Twenty screen behaviours to beat"), each held to its tests."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PAGES, _START = "tests/vigil/web/pages", "tests/vigil/web/pages/start/test_start.py"
_OVERVIEW, _MONITOR = f"{_PAGES}/test_overview.py", f"{_PAGES}/test_monitor.py"
_HELD, _HANDS = f"{_PAGES}/test_behaviours.py", "tests/browser/test_behaviours.py"
_LIVE = "tests/browser/test_overview.py"
_DOCUMENT = "tests/vigil/status/core/test_document.py"
_MODELS, _FORMS = "tests/vigil/read_models", f"{_PAGES}/monitor_forms/test_monitor_forms.py"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a page does, and the tests that fail where it does not; `built_in` is the package that is not there yet."""

    words: str
    tests: tuple[tuple[str, str], ...]
    built_in: str = ""


BEHAVIOURS = {
    1: Behaviour("2,000 monitors are usable within a second, in a constant number of queries", (
        (_OVERVIEW, "test_two_thousand_monitors_cost_twelve_queries_and_sixty_kilobytes"),
        (f"{_MODELS}/test_overview.py", "test_the_queries_are_seven_whatever_the_number_of_monitors"),
        ("tests/vigil/bench/test_pages.py", "test_its_figures_have_budgets"),
    )),
    2: Behaviour("60 kB on the list, 90 kB on a page with a chart", (
        ("tests/vigil/web/test_assets.py", "test_scripts_and_styles_keep_their_budgets"),
        (_MONITOR, "test_the_page_costs_fourteen_queries_and_ninety_kilobytes"),
    )),
    3: Behaviour("no console error under the strict policy, no inline style", (
        ("tests/vigil/web/test_assets.py", "test_no_template_holds_inline_styles_or_scripts"),
        ("tests/vigil/web/test_assets.py", "test_own_scripts_need_nothing_that_the_content_policy_forbids"),
        (_LIVE, "test_the_components_are_whole_for_axe"),
    )),
    4: Behaviour("problems first, and no row jumps under the hand", (
        (f"{_MODELS}/test_overview.py", "test_trouble_comes_first_with_its_why_and_every_count_is_of_its_state"),
        (_HANDS, "test_rows_keep_their_order_under_the_hand_until_it_is_asked_for"),
        (_HANDS, "test_the_keys_are_told_and_motion_can_be_less"),
    )),
    5: Behaviour("filters, order and search are the address; views have names", (
        (f"{_MODELS}/test_overview.py", "test_filters_search_and_order"),
        (f"{_MODELS}/test_overview.py", "test_a_search_can_use_the_index_of_words"),
        (_HANDS, "test_filters_are_the_address_and_back_restores_them"),
        (_OVERVIEW, "test_a_saved_view_says_how_many_in_it_need_attention_within_the_queries_of_the_page"),
    )),
    6: Behaviour("every count is a link to exactly that list", (
        (_HELD, "test_every_count_leads_to_exactly_what_it_counts"),
    )),
    7: Behaviour("Ctrl-K and / find, keys pick and act, and it can be undone", (
        (_LIVE, "test_rows_are_paused_by_keyboard_and_the_palette_gives_the_focus_back"),
        (_OVERVIEW, "test_the_palette_finds_monitors_places_and_actions_that_name_their_object"),
        (_OVERVIEW, "test_a_double_press_is_one_action_and_undo_restores_each_as_it_was"),
        (_OVERVIEW, "test_picked_monitors_are_silenced_and_tagged_until_it_is_undone"),
    )),
    8: Behaviour("live within 5 s, by a poll that costs a 304; hidden pages stop, lost contact is said", (
        (_OVERVIEW, "test_an_unchanged_poll_is_a_304_without_a_query_and_a_change_brings_the_parts"),
        (_LIVE, "test_what_is_no_longer_known_turns_grey_and_comes_back_by_itself"),
        (_HANDS, "test_a_hidden_page_asks_nothing_and_asks_at_once_when_it_is_seen_again"),
    )),
    9: Behaviour("the why-line, from stored votes", (
        (f"{_MODELS}/core/test_why_lines.py", "test_each_case_has_its_words"),
        (f"{_MODELS}/core/test_why_lines.py", "test_a_line_always_fits_and_says_something"),
    )),
    10: Behaviour("an advisory below the rule: which region, since when, what would confirm, what to do", (
        (_HELD, "test_a_region_that_disagrees_is_an_advisory_with_what_it_would_take_and_what_to_do"),
        (_MONITOR, "test_a_look_is_begun_and_shows_what_each_region_does"),
        (_HELD, "test_the_region_of_an_advisory_is_silenced_from_it_and_the_advisory_says_so"),
    )),
    11: Behaviour("uptime beside reachability, unknown time named, with the window's bounds", (
        (_HELD, "test_uptime_and_reachability_stand_side_by_side_with_unknown_time_and_their_bounds"),
        (f"{_MODELS}/test_pages.py", "test_a_monitor_page_shows_uptime_beside_reachability_and_each_last_result"),
    )),
    12: Behaviour("ninety days are one tab stop, read by keys; each day opens", (
        (_HANDS, "test_ninety_days_are_one_tab_stop_that_is_read_by_keys"),
        (_MONITOR, "test_each_day_opens_and_days_that_are_none_are_not_found"),
    )),
    13: Behaviour("latency by region and phase, read by keys, the same as table and CSV", (
        (_MONITOR, "test_latency_is_the_same_as_series_as_a_table_and_as_csv"),
        (_HANDS, "test_latency_is_read_point_by_point_by_keys"),
    )),
    14: Behaviour("an incident is one column: votes, evidence, deliveries with answers, notes, postmortem", (
        (f"{_PAGES}/test_incidents.py", "test_the_page_shows_votes_evidence_and_who_was_told_in_few_queries"),
        (f"{_PAGES}/test_incidents.py", "test_a_postmortem_is_markdown_without_anything_active"),
        (f"{_MODELS}/test_pages.py", "test_an_incident_page_shows_votes_who_was_told_and_who_was_not"),
    )),
    15: Behaviour("what would page, and 30 days replayed before a rule is saved", (
        (_MONITOR, "test_a_replay_is_shown_before_its_sensitivity_is_saved_and_can_be_undone"),
        (f"{_PAGES}/schedules/test_on_call.py", "test_on_call_says_who_is_and_who_would_be_told"),
    )),
    16: Behaviour("acknowledged in two taps on a phone, from the alert's link", (
        (_LIVE, "test_an_outage_shows_by_itself_and_is_taken_on_a_phone"),
        ("tests/vigil/web/test_respond.py", "test_the_form_acknowledges_once_without_a_session"),
    )),
    17: Behaviour("managed by code: badge, drift field by field, and the patch; a save asks first", (
        (_MONITOR, "test_a_monitor_that_was_changed_by_hand_shows_its_drift_and_the_patch_to_copy"),
        ("tests/vigil/code/test_drift.py", "test_the_lines_of_the_patch_make_the_document_say_what_is_there"),
        (_FORMS, "test_what_is_kept_in_a_file_asks_first_and_offers_the_patch"),
    )),
    18: Behaviour("one field, a trial from every region before it is saved, the same as YAML and curl", (
        (_START, "test_one_field_is_enough"),
        (_START, "test_two_minutes_to_the_first_monitor_with_a_proven_alert"),
        ("tests/browser/test_start.py", "test_the_guided_start_leads_to_a_monitor_with_a_proven_alert"),
    )),
    19: Behaviour("a region walks a live checklist; rotate, drain, revoke", (
        (f"{_PAGES}/test_regions.py", "test_a_new_region_walks_from_its_line_to_its_votes"),
        (f"{_PAGES}/test_regions.py", "test_staff_drains_rotates_and_revokes_by_name"),
    )),
    20: Behaviour("a public page is a file, whatever the database does", (
        ("tests/vigil/web/serving/test_status_pages.py", "test_a_page_is_served_while_postgresql_and_redis_are_down"),
        ("tests/browser/test_status_pages.py", "test_an_outage_is_published_in_two_taps_and_read_by_a_stranger"),
        (_DOCUMENT, "test_a_full_page_fits_in_its_budget_and_needs_no_script"),
        (_DOCUMENT, "test_a_file_is_answered_with_a_tag_compressed_where_it_is_wanted_and_304_where_it_is_known"),
        (_DOCUMENT, "test_our_own_reader_of_statuspage_follows_it"),
        (_DOCUMENT, "test_the_feed_is_atom_with_an_entry_for_each_incident"),
        ("tests/vigil/status/test_publishing.py", "test_nothing_that_was_not_published_is_in_any_file"),
    )),
}  # fmt: skip


def test_there_are_twenty() -> None:
    assert list(BEHAVIOURS) == list(range(1, 21))


@pytest.mark.parametrize("number", BEHAVIOURS)
def test_a_behaviour_is_held_by_tests_that_run(number: int) -> None:
    behaviour = BEHAVIOURS[number]
    missing = [f"{file}::{name}" for file, name in behaviour.tests if name not in _tests_of(file)]
    assert not missing, f"{number}, {behaviour.words}: renamed or gone"
    # One whose package is not built waits for it: as soon as that is there, its tests are named here.
    assert bool(behaviour.tests) != bool(behaviour.built_in and not (ROOT / behaviour.built_in).exists())


@lru_cache(maxsize=64)
def _tests_of(file: str) -> frozenset[str]:
    """Names of the tests of a file that assert or expect something, themselves or by what they call."""
    tree = ast.parse((ROOT / file).read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return frozenset(node.name for node in functions if node.name.startswith("test_") and _can_fail(node))


def _can_fail(test: ast.FunctionDef) -> bool:
    marks = " ".join(ast.unparse(one) for one in test.decorator_list)
    calls = [ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call)]
    checks = any(isinstance(node, ast.Assert) for node in ast.walk(test)) or any(
        "expect" in call or "raises" in call or "assert" in call for call in calls
    )
    return checks and "skip" not in marks and "xfail" not in marks
