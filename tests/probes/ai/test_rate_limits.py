"""The rate-limit headers of every provider become the same facts."""

from __future__ import annotations

import pytest

from probes.ai.rate_limits import headroom, retry_after_s, seconds_until

NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z


def test_openai_and_groq() -> None:
    assert headroom(
        [
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-limit-tokens", "2000000"),
            ("x-ratelimit-remaining-tokens", "1999990"),
            ("x-ratelimit-reset-tokens", "12ms"),
        ],
        NOW_S,
    ) == {
        "ratelimit_requests_limit": 10_000,
        "ratelimit_requests_remaining": 9_999,
        "ratelimit_requests_reset_s": 360.0,
        "ratelimit_tokens_limit": 2_000_000,
        "ratelimit_tokens_remaining": 1_999_990,
        "ratelimit_tokens_reset_s": 0.012,
    }


def test_anthropic() -> None:
    assert headroom(
        [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2027-01-15T08:00:30Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "39000"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
        ],
        NOW_S,
    ) == {
        "ratelimit_requests_limit": 50,
        "ratelimit_requests_remaining": 49,
        "ratelimit_requests_reset_s": 30.0,
        "ratelimit_input_tokens_remaining": 39_000,
        "ratelimit_output_tokens_limit": 8_000,
    }


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ([("x-ratelimit-remaining", "12")], {"ratelimit_requests_remaining": 12}),
        ([("ratelimit-remaining", "12")], {"ratelimit_requests_remaining": 12}),
        ([("x-ratelimit-remaining-req-minute", "3")], {"ratelimit_requests_remaining": 3}),
        ([("x-ratelimit-remaining-tokens-prompt", "3")], {"ratelimit_input_tokens_remaining": 3}),
        ([("x-trial-endpoint-call-remaining", "19")], {"ratelimit_requests_remaining": 19}),
        ([("x-ratelimit-reset", "1800000060")], {"ratelimit_requests_reset_s": 60.0}),
        ([("x-ratelimit-reset", "1800000060000")], {"ratelimit_requests_reset_s": 60.0}),
        # Azure says -1 where a limit does not apply.
        ([("x-ratelimit-remaining-requests", "-1")], {}),
        ([("x-ratelimit-remaining-requests", "many")], {}),
        ([("x-ratelimit-remaining-dollars", "1")], {}),
        ([("content-type", "text/html")], {}),
    ],
)
def test_others_spell_it_differently(headers: list[tuple[str, str]], facts: dict[str, float]) -> None:
    assert headroom(headers, NOW_S) == facts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0), ("30", 30.0), ("1.5", 1.5), ("12ms", 0.012), ("1s", 1.0), ("6m0s", 360.0), ("1h2m3.5s", 3723.5),
        ("2d", 172_800.0), ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0), ("2027-01-15T08:01:00+00:00", 60.0),
        ("2027-01-15T07:00:00Z", 0.0), ("", None), ("soon", None), ("-5", None), ("nan", None), ("1e9", None),
        ("9" * 60, None), ("Fri, 99 Foo 2027 88:01:00 GMT", None), ("2027-99-99T00:00:00Z", None),
    ],
)  # fmt: skip
def test_every_way_to_say_when(text: str, seconds: float | None) -> None:
    assert seconds_until(text, NOW_S) == (None if seconds is None else pytest.approx(seconds))


def test_no_target_can_silence_a_monitor_for_more_than_an_hour() -> None:
    assert retry_after_s([("retry-after", "86400")], NOW_S) == 3600
    assert retry_after_s([("retry-after", "Sat, 16 Jan 2027 08:00:00 GMT")], NOW_S) == 3600
    assert retry_after_s([("retry-after", "Fri, 15 Jan 2027 08:00:20 GMT")], NOW_S) == 20
    assert retry_after_s([("retry-after", "whenever")], NOW_S) == 0


def test_mistral_counts_by_minute_and_by_month() -> None:
    assert headroom(
        [
            ("ratelimitbysize-reset", "42"),
            ("x-ratelimitbysize-limit-minute", "500000"),
            ("x-ratelimitbysize-remaining-minute", "499000"),
            ("x-ratelimitbysize-limit-month", "1000000000"),
            ("x-ratelimitbysize-remaining-month", "999967993"),
        ],
        NOW_S,
    ) == {
        "ratelimit_tokens_reset_s": 42.0,
        "ratelimit_tokens_limit": 500_000,
        "ratelimit_tokens_remaining": 499_000,
        "ratelimit_tokens_month_limit": 1_000_000_000,
        "ratelimit_tokens_month_remaining": 999_967_993,
    }


def test_fireworks_says_that_it_serves_above_the_limit() -> None:
    assert headroom([("x-ratelimit-over-limit", "yes")], NOW_S) == {"ratelimit_over": True}
    assert headroom([("x-ratelimit-over-limit", "no")], NOW_S) == {}


def test_openai_counts_tokens_by_use_apart() -> None:
    assert headroom([("x-ratelimit-remaining-tokens_usage_based", "7")], NOW_S) == {
        "ratelimit_tokens_usage_based_remaining": 7
    }
