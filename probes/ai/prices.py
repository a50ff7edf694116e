"""Prices of models, dated: what one answer costs, and what a month of them does. Pure.

A price that is not here is not known, and never 0: the user is asked. Money is in billionths of a US dollar (nano
dollars), whole and rounded up, so that nothing is lost in sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from probes.ai.model_names import is_listed

#: When the table was compiled, from the providers' pages and from tables of others; each price as then.
AS_OF = "2026-11-29"
MONTH_S = 30 * 86_400
NANOS = 1_000_000_000
#: US dollars for a million tokens, in and out, by host: the same model has other prices elsewhere. Where peak hours
#: cost more, the price is theirs.
_BY_HOST: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "api.openai.com": {
        "gpt-6-luna": (0.10, 0.50),
        "gpt-5.6-luna": (0.20, 1.20),
        "gpt-5.4-nano": (0.20, 1.25),
    },
    # Of claude-haiku-5-5 the tables of others differ by a factor of ten, so its price is asked for.
    "api.anthropic.com": {"claude-haiku-4-5": (1.0, 5.0)},
    "generativelanguage.googleapis.com": {
        "gemini-2.5-flash-lite": (0.10, 0.40),
        "gemini-3.5-flash-lite": (0.30, 2.50),
    },
    "api.groq.com": {"llama-3.1-8b-instant": (0.05, 0.08), "openai/gpt-oss-20b": (0.075, 0.30)},
    "api.mistral.ai": {"ministral-3b-latest": (0.04, 0.04), "mistral-small-2603": (0.15, 0.60)},
    "api.deepseek.com": {"deepseek-flash": (0.30, 1.20)},
    "api.cohere.com": {"command-r7b-12-2024": (0.0375, 0.15)},
    "api.together.xyz": {"openai/gpt-oss-20b": (0.05, 0.20)},
    # At openrouter.ai the price is that of whichever provider answers, so it is asked for.
    "api.x.ai": {"grok-4.3": (1.25, 2.50)},
}
#: Tokens that the form of the conversation adds, and those that a tool adds (Anthropic: up to 346 of its own prompt).
_FRAME_TOKENS, _TOOL_TOKENS = 64, 512
#: Usual bytes of a token of English; a token is never less than one byte.
_BYTES_PER_TOKEN = 4
#: Input and output of one answer.
TOKENS_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; `as_of` is the date of the table, or empty where the user gave the price."""

    input: float
    output: float
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class AskedTokens:
    """Tokens of one question and its answer: as expected, and the most that can be billed.

    No provider bills more output than the limit of the request, hidden reasoning included.
    """

    input: int
    input_most: int
    output_most: int


def known_price(host: str, model: str) -> Price | None:
    """The price of a model at a host by the table; None where it is not known."""
    for known, (input, output) in _BY_HOST.get(host.lower().rstrip("."), {}).items():
        if is_listed(known, [model]):
            return Price(input, output, AS_OF)
    return None


def asked_tokens(prompt: str, tool: str, tokens_most: int) -> AskedTokens:
    """The tokens of a prompt, and of a tool as JSON or "", with this limit of the answer."""
    size = len(prompt.encode()) + len(tool.encode())
    framed = _FRAME_TOKENS + (_TOOL_TOKENS if tool else 0)
    return AskedTokens(size // _BYTES_PER_TOKEN + framed // _BYTES_PER_TOKEN, size + framed, tokens_most)


def cost_nanos(price: Price, input: int, output: int) -> int:
    """The cost of so many tokens, rounded up."""
    # A dollar for a million tokens is a thousand nano dollars a token.
    nanos = 1000 * (price.input * min(input, TOKENS_MOST) + price.output * min(output, TOKENS_MOST))
    # What binary fractions add is no money.
    return ceil(round(nanos, 3))


def expected_nanos(price: Price, tokens: AskedTokens) -> int:
    """What one answer of the full length costs."""
    return cost_nanos(price, tokens.input, tokens.output_most)


def most_nanos(price: Price, tokens: AskedTokens) -> int:
    """The most that one answer can cost."""
    return cost_nanos(price, tokens.input_most, tokens.output_most)


def monthly_nanos(price: Price, tokens: AskedTokens, interval_s: int) -> int:
    """What 30 days of answers cost, one an interval."""
    return expected_nanos(price, tokens) * (MONTH_S // max(1, interval_s))


def dollars(nanos: int) -> str:
    """An amount for people: $1.40, and of small ones the first two digits that count."""
    amount = nanos / NANOS
    if amount == 0 or amount >= 0.01:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 0.0001 else f"${amount:.7f}".rstrip("0")
