"""Spec of a canary: one short prompt to a model, what its streamed answer must be, and what it may cost."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from probes.ai import billing
from probes.ai.billing_rules import Harm
from probes.ai.prices import AskedTokens, Price, asked_tokens, known_price
from probes.ai.streams import FORMS
from probes.ai.streams.judgement import Expectation
from probes.ai.streams.shape import Prompt, ToolOffer
from probes.net.targets import BadTarget, parse_url
from probes.prober import SpecCode, SpecError
from probes.specs.family import EACH
from probes.specs.tls import TlsFields, validate_tls

PROMPT_MOST, TOKENS_MOST, ANSWERS_MOST = 2_000, 1_024, 20
#: OpenAI answers 400 to less ("Expected a value >= 16").
_RESPONSES_LEAST = 16
_MODEL = re.compile(r"[\w.:/@+-]{1,200}\Z")
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_JSON_MOST = 4_000
_PROVIDER = re.compile(r"[a-z0-9-]{0,40}\Z")
#: Whose rules read an error, where the spec names no preset.
_PROVIDERS = {"openai_chat": "openai", "openai_responses": "openai"}
_TEXTS = {"expect_text": 500, "tool_description": 500}
_ADDRESS = "The one that generates, such as https://api.openai.com/v1/chat/completions. The regions ask in turn."
_FORM = "Most providers, gateways and servers speak openai_chat; the address ends accordingly."
_LIMITS_S = ("first_token_s", "stall_s", "gap_p95_s")


class CanarySpec(TlsFields, frozen=True, kw_only=True):
    """Ask `model` at `url`, the address that generates, one short prompt as a stream, and judge the answer.

    Every answer is billed: `billing_acknowledged` agrees to that, and `monthly_budget` (US dollars) is where it stops
    until the next month. `input_price` and `output_price` (US dollars for a million tokens) replace the known price, or
    stand for one that is not known. `form` is the form of the API; `temperature` null leaves it to the model, and so
    does an empty `reasoning_effort`, which is of OpenAI's forms (those models take a temperature with `none` alone).

    The answer must be whole, no refusal, and from the model that was asked (`same_model`, `may_refuse`). It must hold
    `expect_text`, be JSON with `expect_json`, have `length_least` to `length_most` characters, or be one call of `tool`
    with exactly `tool_arguments` (JSON; `tool_parameters` is its JSON Schema). Its first token comes within
    `first_token_s`, no stall is longer than `stall_s`, 95 % of the gaps are within `gap_p95_s`, and it has
    `tokens_per_s` or more; 0 is no limit. The monitor is degraded when `bad_answers` of the last `of_answers` are bad.
    """

    url: Annotated[str, Meta(description=_ADDRESS)]
    form: Annotated[
        Literal["openai_chat", "openai_responses", "anthropic", "gemini", "cohere", "ollama"], Meta(description=_FORM)
    ]
    model: str
    monthly_budget: float
    billing_acknowledged: bool = False
    prompt: str = "Reply with the single word: ready"
    max_tokens: int = 32
    temperature: float | None = 0.0
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max"] = ""
    input_price: float | None = None
    output_price: float | None = None
    expect_text: str = ""
    expect_json: bool = False
    length_least: int = 0
    length_most: int = 0
    tool: str = ""
    tool_description: str = ""
    tool_parameters: str = ""
    tool_arguments: str = ""
    same_model: bool = True
    may_refuse: bool = False
    first_token_s: float = 10.0
    stall_s: float = 10.0
    gap_p95_s: float = 0.0
    tokens_per_s: float = 0.0
    bad_answers: int = 3
    of_answers: int = 5
    provider: str = ""

    @property
    def read_as(self) -> str:
        """The preset by whose rules an error is read."""
        return self.provider or _PROVIDERS.get(self.form, self.form)


def validate(spec: CanarySpec) -> None:
    """Refuse what no canary may ask; raises SpecError. Whether its price is known the control plane judges."""
    _validate_address(spec)
    if not spec.billing_acknowledged:
        problem = "must be true: every answer is billed, and only you can agree to that"
        raise SpecError("billing_acknowledged", problem, SpecCode.REQUIRED)
    if not 0 < spec.monthly_budget <= 10_000:
        raise SpecError("monthly_budget", "is an amount of US dollars above 0, up to 10000")
    if (spec.input_price is None) != (spec.output_price is None):
        raise SpecError("input_price", "comes with `output_price`, both in US dollars for a million tokens")
    for name, price in (("input_price", spec.input_price), ("output_price", spec.output_price)):
        if price is not None and not 0 <= price <= 10_000:
            raise SpecError(name, "is between 0 and 10000 US dollars for a million tokens")
    if not _MODEL.match(spec.model):
        raise SpecError("model", "is the name of a model, as the API takes it")
    if not spec.prompt.strip() or len(spec.prompt) > PROMPT_MOST:
        raise SpecError("prompt", f"is a short question of 1 to {PROMPT_MOST} characters")
    if not 1 <= spec.max_tokens <= TOKENS_MOST:
        raise SpecError("max_tokens", f"is between 1 and {TOKENS_MOST}")
    if spec.form == "openai_responses" and spec.max_tokens < _RESPONSES_LEAST:
        raise SpecError("max_tokens", f"is {_RESPONSES_LEAST} or more: the Responses API refuses less")
    if spec.reasoning_effort and not spec.form.startswith("openai_"):
        raise SpecError("reasoning_effort", "is of the forms openai_chat and openai_responses: leave it empty")
    if spec.temperature is not None and not 0 <= spec.temperature <= 2:
        raise SpecError("temperature", "is between 0 and 2, or null to leave it to the model")
    if not 2 <= spec.bad_answers <= spec.of_answers <= ANSWERS_MOST:
        raise SpecError("bad_answers", f"is between 2 and `of_answers`, which is {ANSWERS_MOST} at most")
    if not _PROVIDER.match(spec.provider):
        raise SpecError("provider", "is the name of a preset, like openai")
    _validate_expectation(spec)
    validate_tls(spec)


def _validate_address(spec: CanarySpec) -> None:
    try:
        parse_url(spec.url)
    except BadTarget as error:
        raise SpecError("url", str(error)) from None
    found = billing.finding("POST", spec.url)
    if found is not None and found.harm is Harm.CHANGES_STATE:
        raise SpecError("url", f"is no address of a model: {found.why}")
    if spec.form == "gemini":
        parts = urlsplit(spec.url)
        if not parts.path.endswith(":streamGenerateContent") or "alt=sse" not in parts.query.split("&"):
            raise SpecError("url", f"ends with {FORMS['gemini'].ends}, after the name of the model")
        # The whole name: what generates is named here, and what it costs by `model`.
        if not parts.path.endswith(f"/{spec.model.removeprefix('models/')}:streamGenerateContent"):
            raise SpecError("url", f"names another model than `model`, {spec.model}")
    if spec.family == EACH:
        raise SpecError("family", "is `either`, `4` or `6`: over both, each answer would be billed twice")


def _validate_expectation(spec: CanarySpec) -> None:
    for name, most in _TEXTS.items():
        if len(getattr(spec, name)) > most:
            raise SpecError(name, f"at most {most} characters")
    for name in _LIMITS_S:
        if not 0 <= getattr(spec, name) <= 60:
            raise SpecError(name, "is between 0 (no limit) and 60 seconds")
    if not 0 <= spec.tokens_per_s <= 100_000:
        raise SpecError("tokens_per_s", "is between 0 (no limit) and 100000")
    if not 0 <= spec.length_least <= 65_536 or not 0 <= spec.length_most <= 65_536:
        raise SpecError("length_least", "lengths are between 0 (no limit) and 65536 characters")
    if spec.length_most and spec.length_most < spec.length_least:
        raise SpecError("length_most", "is below `length_least`")
    if spec.tool and not _TOOL.match(spec.tool):
        raise SpecError("tool", "is the name of a function: letters, digits, _ and -")
    for name in ("tool_parameters", "tool_arguments"):
        _json_object(name, getattr(spec, name))
        if getattr(spec, name) and not spec.tool:
            raise SpecError("tool", f"is required with `{name}`", SpecCode.REQUIRED)
    if spec.tool and (spec.expect_text or spec.expect_json or spec.length_least or spec.length_most):
        raise SpecError("tool", "an answer that calls a tool has no text to judge: leave the demands on it out")


def _json_object(name: str, text: str) -> dict[str, Any] | None:
    """The object that a field holds as JSON; None of an empty one."""
    if not text:
        return None
    if len(text) > _JSON_MOST:
        raise SpecError(name, f"at most {_JSON_MOST} characters")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SpecError(name, 'is a JSON object, like {"city": "Paris"}')
    return found


def prompt_of(spec: CanarySpec) -> Prompt:
    """The question that a valid spec asks."""
    tool = None
    if spec.tool:
        parameters = _json_object("tool_parameters", spec.tool_parameters) or {}
        tool = ToolOffer(spec.tool, spec.tool_description, parameters)
    host = parse_url(spec.url).host
    return Prompt(spec.model, spec.prompt, spec.max_tokens, spec.temperature, tool, host, spec.reasoning_effort)


def expectation_of(spec: CanarySpec) -> Expectation:
    """What the answer to a valid spec must be."""
    return Expectation(
        model=spec.model,
        same_model=spec.same_model,
        may_refuse=spec.may_refuse,
        text=spec.expect_text,
        json=spec.expect_json,
        tool=spec.tool,
        arguments=_json_object("tool_arguments", spec.tool_arguments),
        length_least=spec.length_least,
        length_most=spec.length_most,
        first_token_most_s=spec.first_token_s,
        stall_most_s=spec.stall_s,
        gap_p95_most_s=spec.gap_p95_s,
        tokens_per_s_least=spec.tokens_per_s,
    )


def price_of(spec: CanarySpec) -> Price | None:
    """The price of its model: what the user gave, else the table's; None where neither says."""
    if spec.input_price is not None and spec.output_price is not None:
        return Price(spec.input_price, spec.output_price)
    try:
        return known_price(parse_url(spec.url).host, spec.model)
    except BadTarget:
        # An address that was stored under other rules.
        return None


def tokens_of(spec: CanarySpec) -> AskedTokens:
    """The tokens of one question and its answer."""
    tool = "".join((spec.tool, spec.tool_description, spec.tool_parameters)) if spec.tool else ""
    return asked_tokens(spec.prompt, tool, spec.max_tokens)
