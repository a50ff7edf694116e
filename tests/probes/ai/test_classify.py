"""What the answers of AI services mean: each provider's own words for a bad key, an empty purse, a full house."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes.ai.classify import Classified, ReceivedAnswer, classify, status_map
from probes.reasons import ACCOUNT_REASONS, Reason, Status

NOW_S = 1_800_000_000.0
FAKE_KEY = "obviously-fake-key-1234567890"


def read(
    provider: str, code: int, body: Any = "", headers: tuple[tuple[str, str], ...] = (), expected: bool = False
) -> Classified:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return classify(ReceivedAnswer(provider, code, headers, raw, expected), NOW_S)


def openai(kind: str, code: str | None, message: str = "Something is wrong.") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str = "", **details: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, "details": details}, "request_id": "req_1"}


def google(code: int, status: str, message: str = "", *reasons: str) -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": message,
            "status": status,
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": each} for each in reasons],
        }
    }


CASES: list[tuple[str, int, Any, Reason]] = [
    ("openai", 401, openai("invalid_request_error", "invalid_api_key", "Incorrect API key provided"), Reason.AUTH),
    ("openai", 403, openai("invalid_request_error", None, "Missing scopes: api.model.read"), Reason.AUTH),
    ("openai", 429, openai("insufficient_quota", "insufficient_quota"), Reason.QUOTA),
    ("openai", 429, openai("insufficient_quota", None), Reason.QUOTA),
    ("openai", 429, openai("rate_limit_error", "credit_balance_exhausted"), Reason.QUOTA),
    ("openai", 429, openai("requests", "project_spend_limit_exceeded"), Reason.QUOTA),
    ("openai", 429, openai("requests", "rate_limit_exceeded"), Reason.RATE_LIMITED),
    ("openai", 429, openai("tokens", "slow_down"), Reason.RATE_LIMITED),
    ("openai", 404, openai("invalid_request_error", "model_not_found"), Reason.CONFIG),
    ("openai", 503, openai("service_unavailable_error", "server_is_overloaded"), Reason.OVERLOADED),
    ("openai", 500, openai("server_error", None), Reason.HTTP_5XX),
    ("openai", 502, "<html>Bad gateway</html>", Reason.HTTP_5XX),
    ("anthropic", 400, anthropic("invalid_request_error", "anthropic-version: header is required"), Reason.CONFIG),
    ("anthropic", 401, anthropic("authentication_error", "invalid x-api-key"), Reason.AUTH),
    ("anthropic", 402, anthropic("billing_error"), Reason.QUOTA),
    ("anthropic", 403, anthropic("permission_error"), Reason.AUTH),
    ("anthropic", 404, anthropic("not_found_error", "model: no-such-model"), Reason.CONFIG),
    ("anthropic", 429, anthropic("rate_limit_error"), Reason.RATE_LIMITED),
    ("anthropic", 429, anthropic("rate_limit_error", error_code="enforced_spend_limit_reached"), Reason.QUOTA),
    ("anthropic", 400, anthropic("invalid_request_error", "Your credit balance is too low"), Reason.QUOTA),
    ("anthropic", 500, anthropic("api_error"), Reason.HTTP_5XX),
    ("anthropic", 529, anthropic("overloaded_error", "Overloaded"), Reason.OVERLOADED),
    ("cohere", 401, {"message": "invalid api token"}, Reason.AUTH),
    ("cohere", 402, {"message": "billing limit"}, Reason.QUOTA),
    ("cohere", 429, {"message": "trial key limit"}, Reason.RATE_LIMITED),
    ("cohere", 429, {"message": "a Trial key is limited to 1000 API calls / month"}, Reason.QUOTA),
    ("azure-openai", 429, {"error": {"code": "429", "message": "System is under high demand."}}, Reason.OVERLOADED),
    ("cohere", 498, {"message": "invalid token"}, Reason.AUTH),
    ("gemini", 400, google(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"), Reason.AUTH),
    ("gemini", 400, google(400, "FAILED_PRECONDITION", "Location is not supported"), Reason.CONFIG),
    ("gemini", 403, google(403, "PERMISSION_DENIED"), Reason.AUTH),
    ("gemini", 404, google(404, "NOT_FOUND", "models/x is not found"), Reason.CONFIG),
    ("gemini", 429, google(429, "RESOURCE_EXHAUSTED", "Quota exceeded per minute"), Reason.RATE_LIMITED),
    ("gemini", 429, google(429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProject"), Reason.QUOTA),
    ("gemini", 503, google(503, "UNAVAILABLE", "The model is overloaded."), Reason.OVERLOADED),
    ("gemini", 504, google(504, "DEADLINE_EXCEEDED"), Reason.HTTP_5XX),
    ("azure-openai", 401, {"error": {"code": "401", "message": "Access denied"}}, Reason.AUTH),
    ("azure-openai", 404, {"error": {"code": "DeploymentNotFound", "message": "gone"}}, Reason.CONFIG),
    ("azure-openai", 429, {"error": {"code": "429", "message": "Rate limit of your tier"}}, Reason.RATE_LIMITED),
    ("azure-openai", 429, {"error": {"code": "429", "message": "is experiencing high demand"}}, Reason.OVERLOADED),
    ("mistral", 401, {"message": "Unauthorized"}, Reason.AUTH),
    ("mistral", 429, {"object": "error", "message": "Requests rate limit exceeded"}, Reason.RATE_LIMITED),
    ("groq", 401, openai("invalid_request_error", "invalid_api_key"), Reason.AUTH),
    ("groq", 498, openai("", "capacity_exceeded"), Reason.OVERLOADED),
    ("together", 403, {"error": {"message": "tokens over context"}}, Reason.CONFIG),
    ("together", 503, {"error": {"message": "Engine overloaded"}}, Reason.OVERLOADED),
    ("fireworks", 412, {"error": {"message": "Account suspended"}}, Reason.QUOTA),
    ("fireworks", 425, {"error": {"message": "too early"}}, Reason.LOADING),
    ("fireworks", 503, {"error": {"code": "DEPLOYMENT_SCALING_UP", "message": "cold"}}, Reason.LOADING),
    ("fireworks", 520, "", Reason.HTTP_5XX),
    ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, Reason.QUOTA),
    ("deepseek", 503, {"error": {"message": "busy"}}, Reason.OVERLOADED),
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"}, Reason.AUTH),
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "unknown field"}, Reason.CONFIG),
    ("openrouter", 401, {"error": {"code": 401, "message": "No auth credentials found"}}, Reason.AUTH),
    ("openrouter", 402, {"error": {"code": 402, "message": "Insufficient credits"}}, Reason.QUOTA),
    ("openrouter", 403, {"error": {"code": 403, "message": "moderation"}}, Reason.CONFIG),
    ("openrouter", 502, {"error": {"code": 502, "message": "provider is down"}}, Reason.HTTP_5XX),
    ("huggingface", 402, {"error": "You have exceeded your monthly included credits"}, Reason.QUOTA),
    ("huggingface", 503, {"error": "Model x is currently loading", "estimated_time": 20.0}, Reason.LOADING),
    ("ollama", 404, {"error": "model 'x' not found"}, Reason.CONFIG),
    ("ollama", 503, {"error": "server busy, please try again. maximum pending requests exceeded"}, Reason.OVERLOADED),
    ("vllm", 401, {"error": "Unauthorized"}, Reason.AUTH),
    ("vllm", 503, "", Reason.HTTP_5XX),
    ("litellm", 400, openai("no_db_connection", "400", "No connected db."), Reason.AUTH),
    ("litellm", 401, openai("auth_error", "401"), Reason.AUTH),
    ("litellm", 429, openai("budget_exceeded", "429"), Reason.QUOTA),
    ("litellm", 503, {"status": "shutting_down"}, Reason.HTTP_5XX),
    ("tgi", 503, {"error": "unhealthy", "error_type": "healthcheck"}, Reason.HTTP_5XX),
    ("tgi", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, Reason.OVERLOADED),
    ("tei", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, Reason.OVERLOADED),
    (
        "llamacpp",
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        Reason.LOADING,
    ),
    ("llamacpp", 503, {"error": {"code": 503, "message": "no slot available"}}, Reason.OVERLOADED),
    ("llamacpp", 401, {"error": {"code": 401, "message": "Invalid API Key"}}, Reason.AUTH),
    ("llamacpp", 501, {"error": {"code": 501, "type": "not_supported_error"}}, Reason.CONFIG),
    ("triton", 400, "", Reason.LOADING),
    ("nim", 503, {"object": "error", "message": "not ready"}, Reason.LOADING),
    ("kserve", 503, "", Reason.LOADING),
    ("bentoml", 503, "Service is not ready", Reason.LOADING),
    ("weaviate", 503, "", Reason.LOADING),
    ("qdrant", 503, "some shards are not ready", Reason.LOADING),
    ("qdrant", 404, {"status": {"error": "Not found: Collection `x` doesn't exist!"}}, Reason.HTTP_4XX),
    ("pinecone", 401, "Unauthorized", Reason.AUTH),
    ("chroma", 410, {"error": "Unimplemented", "message": "The v1 API is deprecated."}, Reason.CONFIG),
    ("milvus", 500, "Not all components are healthy, 1/4", Reason.HTTP_5XX),
    ("elasticsearch", 408, {"status": "red", "timed_out": True}, Reason.HTTP_4XX),
]


@pytest.mark.parametrize(
    ("provider", "code", "body", "reason"),
    CASES,
    ids=[f"{case[0]}-{case[1]}-{case[3]}-{n}" for n, case in enumerate(CASES)],
)
def test_a_provider_says_it_in_its_own_words(provider: str, code: int, body: Any, reason: Reason) -> None:
    assert read(provider, code, body).reason is reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ThrottlingException", Reason.RATE_LIMITED),
        ("ModelNotReadyException", Reason.LOADING),
        ("AccessDeniedException:http://internal.amazon.com/", Reason.AUTH),
        ("ResourceNotFoundException", Reason.CONFIG),
        ("ServiceQuotaExceededException", Reason.QUOTA),
        ("ServiceUnavailableException", Reason.OVERLOADED),
    ],
)
def test_bedrock_names_its_error_in_a_header(error: str, reason: Reason) -> None:
    # Throttling and a model that is not ready yet have the same code.
    assert read("bedrock", 429, {"message": "wait"}, (("x-amzn-errortype", error),)).reason is reason


@pytest.mark.parametrize(
    ("reason_of", "status"),
    [
        (read("openai", 429), Status.DEGRADED),
        (read("anthropic", 529), Status.DEGRADED),
        (read("llamacpp", 503, {"error": {"message": "Loading model"}}), Status.DEGRADED),
        (read("openai", 401), Status.DOWN),
        (read("deepseek", 402), Status.DOWN),
        (read("openai", 500), Status.DOWN),
    ],
)
def test_what_passes_by_itself_is_degraded_and_the_rest_is_down(reason_of: Classified, status: Status) -> None:
    assert reason_of.status is status


def test_a_key_an_account_or_a_request_at_fault_is_never_the_providers_outage() -> None:
    for provider, code, body, reason in CASES:
        if reason in (Reason.AUTH, Reason.QUOTA, Reason.CONFIG):
            assert read(provider, code, body).reason in ACCOUNT_REASONS


def test_an_expected_code_passes() -> None:
    assert read("openai", 200, {"data": []}, expected=True).status is Status.UP
    assert read("", 503, "maintenance", expected=True).status is Status.UP


def test_an_error_inside_a_success_counts_for_a_known_provider_only() -> None:
    body = {"error": {"code": 429, "message": "Rate limited upstream"}}
    assert read("openrouter", 200, body, expected=True).reason is Reason.RATE_LIMITED
    assert read("openrouter", 200, {"error": {"code": 502, "message": "x"}}, expected=True).reason is Reason.HTTP_5XX
    assert read("", 200, body, expected=True).status is Status.UP
    assert read("openrouter", 200, {"data": {"error": "of the past"}, "error": None}, expected=True).status is Status.UP


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (401, Reason.AUTH), (402, Reason.QUOTA), (403, Reason.CONFIG), (404, Reason.CONFIG), (408, Reason.HTTP_4XX),
        (429, Reason.RATE_LIMITED), (502, Reason.HTTP_5XX), (529, Reason.OVERLOADED),
    ],
)  # fmt: skip
def test_an_error_inside_a_success_goes_by_the_providers_own_codes(inner: int, reason: Reason) -> None:
    body = {"error": {"code": inner, "message": "x"}}
    assert read("openrouter", 200, body, expected=True).reason is reason
    assert read("openrouter", 200, {"error": {"code": 7}}, expected=True).status is Status.UP


def test_a_proxy_is_not_green_when_every_model_behind_it_is_dead() -> None:
    def seen(healthy: int | None, unhealthy: int) -> Classified:
        return read("litellm", 200, {"healthy_count": healthy, "unhealthy_count": unhealthy}, expected=True)

    assert (seen(0, 3).status, seen(0, 3).reason) == (Status.DOWN, Reason.VALUE_MISMATCH)
    assert seen(0, 3).detail == "answered 200, but every model behind the proxy is unhealthy (3 of 3)"
    assert seen(None, 1).status is Status.DOWN
    assert seen(2, 1).status is Status.DEGRADED
    assert seen(2, 1).detail == "answered 200, but 1 of 3 models behind the proxy are unhealthy"
    assert seen(3, 0).status is Status.UP
    assert read("litellm", 200, '{"unhealthy_count": "all"}', expected=True).status is Status.UP
    assert read("", 200, {"healthy_count": 0, "unhealthy_count": 3}, expected=True).status is Status.UP


@pytest.mark.parametrize(
    ("code", "reason"), [(8, Reason.RATE_LIMITED), (100, Reason.CONFIG), (101, Reason.LOADING), (1800, Reason.AUTH)]
)
def test_milvus_answers_200_and_a_number_of_its_own(code: int, reason: Reason) -> None:
    assert read("milvus", 200, {"code": code, "message": "x"}, expected=True).reason is reason
    assert read("milvus", 200, {"code": 0, "data": {}}, expected=True).status is Status.UP


def test_the_rate_limits_of_anybody_are_kept() -> None:
    headers = (("x-ratelimit-remaining", "7"),)
    assert read("", 200, "", headers, expected=True).facts == {"ratelimit_requests_remaining": 7}


def test_what_the_codes_mean_can_be_read() -> None:
    meanings = status_map("gemini")
    assert (meanings[401], meanings[503], meanings[529]) == (Reason.AUTH, Reason.OVERLOADED, Reason.OVERLOADED)
    assert status_map("triton")[400] is Reason.LOADING


def test_a_page_in_the_place_of_data_is_no_success() -> None:
    seen = read("openai", 200, "\n <!doctype html><title>Sign in to the network</title>", expected=True)
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BODY_MISMATCH)
    assert read("", 200, "<!doctype html>", expected=True).status is Status.UP


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (400, Reason.HTTP_4XX), (401, Reason.AUTH), (402, Reason.QUOTA), (404, Reason.HTTP_4XX),
        (429, Reason.RATE_LIMITED), (500, Reason.HTTP_5XX), (503, Reason.HTTP_5XX), (529, Reason.OVERLOADED),
        (304, Reason.UNEXPECTED_STATUS),
    ],
)  # fmt: skip
def test_a_page_of_anybody_goes_by_its_code(code: int, reason: Reason) -> None:
    assert read("", code, {"error": {"status": "UNAVAILABLE", "code": "not_found"}}).reason is reason


def test_an_empty_purse_is_recognised_even_without_a_preset() -> None:
    assert read("", 429, openai("insufficient_quota", "insufficient_quota")).reason is Reason.QUOTA


def test_nothing_that_the_target_says_is_quoted() -> None:
    body = openai(f"{FAKE_KEY}", f"{FAKE_KEY}", f"Incorrect API key provided: {FAKE_KEY}.")
    assert FAKE_KEY not in repr(read("openai", 401, body))


@pytest.mark.parametrize(
    "body", ["[" * 20_000, "{" * 20_000, '{"error": ', "\udcff", '{"error": [[[]]]}', "[]", "null"]
)
def test_a_hostile_or_broken_body_falls_back_on_the_code(body: str) -> None:
    raw = body.encode("utf-8", "surrogateescape")
    assert classify(ReceivedAnswer("openai", 401, (), raw, False)).reason is Reason.AUTH


def test_the_words_of_an_error_that_was_cut_are_still_read() -> None:
    assert read("openai", 429, '{"error": {"type": "insufficient_quota", "mess').reason is Reason.QUOTA


def test_the_number_of_the_request_is_kept_for_the_providers_support() -> None:
    seen = read("anthropic", 500, anthropic("api_error"), (("request-id", "req_011"), ("x-request-id", "other")))
    assert seen.facts["request_id"] == "req_011"


def test_a_target_that_asks_to_be_left_alone_says_for_how_long() -> None:
    assert read("openai", 429, headers=(("retry-after", "7"),)).retry_after_s == 7
    assert read("openai", 429, headers=(("retry-after-ms", "250"), ("retry-after", "7"))).retry_after_s == 0.25
    assert read("", 503, headers=(("retry-after", "999999"),)).retry_after_s == 3600
    assert read("openai", 429).retry_after_s == 0


@pytest.mark.parametrize("provider", ["litellm", ""])
@pytest.mark.parametrize(
    ("code", "body", "status", "words"),
    [
        pytest.param(200, {"healthy_endpoints": [], "unhealthy_endpoints": []}, Status.DEGRADED, "no model was tested",
                     id="B2-14a"),
        pytest.param(200, {"healthy_endpoints": [], "unhealthy_endpoints": [], "healthy_count": 0,
                           "unhealthy_count": 0}, Status.DEGRADED, "no model was tested", id="B2-14b"),
        pytest.param(200, {"healthy_endpoints": [{}], "unhealthy_endpoints": [{}, {}], "healthy_count": 1,
                           "unhealthy_count": 2}, Status.DEGRADED, "2 of 3 models", id="F6 two of three"),
        pytest.param(200, {"healthy_endpoints": [{}], "unhealthy_endpoints": [{}, {}]}, Status.DEGRADED,
                     "2 of 3 models", id="F6 by the lists alone"),
        pytest.param(200, {"healthy_endpoints": [], "unhealthy_endpoints": [{}]}, Status.DOWN, "every model",
                     id="F6 all"),
        pytest.param(200, {"healthy_endpoints": [{}], "unhealthy_endpoints": []}, Status.UP, "", id="F6 none"),
        pytest.param(503, {"healthy_endpoints": [], "unhealthy_endpoints": [{}], "healthy_count": 0,
                           "unhealthy_count": 1}, Status.DOWN, "every model behind the proxy is unhealthy (1 of 1)",
                     id="F25 a dead group"),
        pytest.param(503, {"healthy_endpoints": [], "unhealthy_endpoints": [], "healthy_count": 0,
                           "unhealthy_count": 0}, Status.DOWN, "no such model group", id="F25 no such group"),
    ],
)  # fmt: skip
def test_litellm_health_is_read_by_its_counts(
    provider: str, code: int, body: dict[str, object], status: Status, words: str
) -> None:
    seen = read(provider, code, body, expected=code == 200)
    assert seen.status is status
    assert words in seen.detail


@pytest.mark.parametrize(
    "body", [{"healthy_count": 1}, {"unhealthy_count": 2}, {"unhealthy_endpoints": []}, {"status": "unhealthy_count"}]
)
def test_what_only_resembles_litellm_health_is_left_alone(body: dict[str, object]) -> None:
    assert read("", 200, body, expected=True).status is Status.UP
