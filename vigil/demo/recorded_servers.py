"""Recorded answers of model servers and stores outside the demo's story."""

from __future__ import annotations

from dataclasses import replace

from vigil.demo.engine_pages import fleet, served
from vigil.demo.exchange import ServedAnswer, as_json, as_text
from vigil.demo.mcp.live import LiveMcpServer
from vigil.demo.shapes import NOT_FOUND, STARTING, Auth, Endpoints, RecordedProvider, get, model_list, post

_UNAUTHORIZED = as_json(401, {"error": "Unauthorized"})


def _server(
    endpoints: Endpoints,
    auth: Auth = Auth.NONE,
    bad_key: ServedAnswer = _UNAUTHORIZED,
    overloaded: ServedAnswer = STARTING,
    loading: ServedAnswer = STARTING,
    missing: ServedAnswer = NOT_FOUND,
) -> RecordedProvider:
    return RecordedProvider(auth, endpoints, bad_key, overloaded, loading, missing)


_OVERLOADED = as_json(429, {"error": "Model is overloaded", "error_type": "overloaded"})

SGLANG = _server(
    get("/health", ServedAnswer(200))
    | get("/metrics", served("sglang-0.5"))
    | get("/v1/models", model_list("qwen", root="qwen", max_model_len=32_768), guarded=True),
    auth=Auth.BEARER,
    loading=ServedAnswer(503),
)

TGI = _server(
    get("/health", ServedAnswer(200))
    | get("/info", as_json(200, {"model_id": "qwen", "max_concurrent_requests": 128, "version": "3.3.5"}))
    | get("/metrics", served("tgi-3.3")),
    overloaded=_OVERLOADED,
    loading=as_json(503, {"error": "unhealthy", "error_type": "healthcheck"}),
)

TEI = _server(
    get("/health", ServedAnswer(200))
    | get("/info", as_json(200, {"model_id": "bge-small", "model_dtype": "float16", "version": "1.8"}), guarded=True),
    auth=Auth.BEARER,
    overloaded=_OVERLOADED,
    loading=as_json(503, {"error": "unhealthy", "error_type": "unhealthy"}),
)

LOCALAI = _server(
    get("/readyz", ServedAnswer(200)) | get("/v1/models", model_list("qwen"), guarded=True),
    auth=Auth.BEARER,
    bad_key=as_json(401, {"error": {"code": 401, "message": "An authentication key is required", "type": ""}}),
)

LMSTUDIO = _server(
    get("/v1/models", model_list("qwen2.5-7b-instruct"))
    | get(
        "/api/v1/models", as_json(200, {"models": [{"key": "qwen2.5-7b-instruct", "loaded_instances": [{"id": "a"}]}]})
    )
)

RAYSERVE = _server(
    get("/-/healthz", as_text(200, "success"))
    | get("/metrics", served("rayserve-2.52"))
    | get(
        "/api/serve/applications/",
        as_json(200, {"applications": {"llm": {"name": "llm", "status": "RUNNING"}, "web": {"status": "RUNNING"}}}),
    ),
    loading=as_json(200, {"applications": {"llm": {"name": "llm", "status": "DEPLOYING"}}}),
)

NIM = _server(
    get("/v1/health/ready", as_json(200, {"object": "health.response", "message": "Service is ready."}))
    | get("/v1/metrics", served("nim-1.3"))
    | get("/v1/models", model_list("meta/llama-3.1-8b-instruct")),
    loading=as_json(503, {"object": "error", "message": "Service is not ready."}),
)

KSERVE = _server(
    get("/v2/models/demo/ready", as_json(200, {"name": "demo", "ready": True}))
    | get("/metrics", served("kserve-0.15"))
    | get("/v1/models/demo", as_json(200, {"name": "demo", "ready": "True"})),
    loading=as_json(503, {"error": "Model with name demo is not ready."}),
    missing=as_json(404, {"error": "Model with name x does not exist."}),
)

BENTOML = _server(
    get("/readyz", as_text(200, "\n")),
    loading=as_text(503, "Service is not ready because .__is_ready__() returns False."),
)

OPENAI_COMPATIBLE = _server(get("/v1/models", model_list("anything"), guarded=True), auth=Auth.BEARER)

WEAVIATE = _server(
    get("/v1/.well-known/ready", ServedAnswer(200))
    | get("/v1/nodes", as_json(200, {"nodes": [{"name": "weaviate-0", "status": "HEALTHY"}]})),
    loading=ServedAnswer(503),
)

MILVUS = _server(
    get("/healthz", as_text(200, "OK"))
    | post(
        "/v2/vectordb/collections/get_load_state",
        as_json(200, {"code": 0, "data": {"loadState": "LoadStateLoaded"}}),
    ),
    overloaded=as_text(500, "Not all components are healthy, 1/4"),
)  # fmt: skip

CHROMA = _server(
    get("/api/v2/heartbeat", as_json(200, {"nanosecond heartbeat": 1_800_000_000_000_000_000}))
    | get("/api/v2/healthcheck", as_json(200, {"is_executor_ready": True, "is_log_client_ready": True})),
    missing=as_json(410, {"error": "Unimplemented", "message": "The v1 API is deprecated. Please use /v2 apis"}),
)

ELASTICSEARCH = _server(
    get("/_cluster/health", as_json(200, {"cluster_name": "d", "status": "green", "timed_out": False}), guarded=True),
    auth=Auth.BEARER,
    bad_key=as_json(401, {"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401}),
    overloaded=as_json(200, {"cluster_name": "d", "status": "yellow", "timed_out": False}),
    # All shards are lost, but the status is still 200.
    loading=as_json(200, {"cluster_name": "d", "status": "red", "timed_out": False}),
)

FLEET = replace(_server({}), live=fleet.answer)
MCP = replace(_server({}), live=LiveMcpServer().answer)
