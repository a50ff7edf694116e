"""Presets of vector databases, caches and SQL databases."""

from __future__ import annotations

from probes.presets.shape import Key, Preset
from probes.reasons import Reason


def _store(name: str, title: str, address: str, path: str, doc: str, says: str, **more: object) -> Preset:
    return Preset(
        name=name,
        title=title,
        family=str(more.pop("family", name)),
        address=address,
        own_address=True,
        path=path,
        doc=doc,
        says=says,
        **{"timeout_ms": 5_000, **more},  # type: ignore[arg-type]  # the fields of Preset
    )


#: Both answer 200 whatever the colour.
_GREEN = (
    {"type": "regex", "pattern": '"status"\\s*:\\s*"(green|yellow)"'},
    {
        "type": "jsonpath",
        "path": "$.status",
        "equals": "green",
        "gives": "degraded",
        "reason": Reason.VALUE_MISMATCH.value,
    },
    {"type": "jsonpath", "path": "$.timed_out", "equals": False, "gives": "degraded"},
)

PRESETS = (
    _store(
        "qdrant",
        "Qdrant",
        "http://localhost:6333",
        "/readyz",
        "https://qdrant.tech/documentation/guides/monitoring/",
        "The node is ready to serve.",
    ),
    _store(
        "qdrant-collection",
        "Qdrant collection",
        "http://localhost:6333",
        "/collections/{name}",
        "https://api.qdrant.tech/api-reference/collections/get-collection",
        "The collection is there, and all its shards are well.",
        family="qdrant",
        needs=("name",),
        key=Key.OPTIONAL,
        key_header="api-key",
        assertions=(
            {"type": "jsonpath", "path": "$.result.status", "exists": True},
            {"type": "regex", "pattern": '"status"\\s*:\\s*"(green|yellow|grey)"'},
            {"type": "jsonpath", "path": "$.result.status", "equals": "green", "gives": "degraded", "reason": "busy"},
            # A lost volume comes back as an empty collection.
            {"type": "jsonpath", "path": "$.result.points_count", "at_least": 1, "gives": "degraded"},
        ),
    ),
    _store(
        "weaviate",
        "Weaviate",
        "http://localhost:8080",
        "/v1/.well-known/ready",
        "https://docs.weaviate.io/deploy/configuration/status",
        "The node is ready to serve.",
        expected_status=("200", "204"),
    ),
    _store(
        "weaviate-nodes",
        "Weaviate nodes",
        "http://localhost:8080",
        "/v1/nodes",
        "https://docs.weaviate.io/deploy/configuration/status",
        "Every node of the cluster is healthy.",
        family="weaviate",
        key=Key.OPTIONAL,
        assertions=({"type": "jsonpath", "path": "$.nodes[*].status", "all_equal": "HEALTHY"},),
        timeout_ms=10_000,
    ),
    _store(
        "pinecone-data",
        "Pinecone data plane",
        "https://INDEX-PROJECT.svc.REGION.pinecone.io",
        "/describe_index_stats",
        "https://docs.pinecone.io/reference/api/latest/data-plane/describeindexstats",
        "The index answers and holds vectors. The address is the host of the index; no query is made.",
        family="pinecone",
        needs=("address",),
        method="POST",
        body="{}",
        headers=(("Content-Type", "application/json"), ("X-Pinecone-Api-Version", "2026-04")),
        key=Key.REQUIRED,
        key_header="Api-Key",
        assertions=({"type": "jsonpath", "path": "$.totalVectorCount", "at_least": 1, "gives": "degraded"},),
        timeout_ms=10_000,
    ),
    _store(
        "milvus",
        "Milvus",
        "http://localhost:9091",
        "/healthz",
        "https://milvus.io/docs/healthcheck.md",
        "Every component of the node is well.",
        assertions=({"type": "body_contains", "text": "OK"},),
    ),
    _store(
        "milvus-collection",
        "Milvus collection",
        "http://localhost:19530",
        "/v2/vectordb/collections/get_load_state",
        "https://milvus.io/api-reference/restful/v2.5.x/v2/Collection%20(v2)/Get%20Load%20State.md",
        "The collection is loaded into memory. An error has the code 200 here, and its own in the body.",
        family="milvus",
        needs=("name",),
        method="POST",
        body='{"collectionName": "{name}"}',
        headers=(("Content-Type", "application/json"),),
        key=Key.OPTIONAL,
        assertions=(
            {"type": "jsonpath", "path": "$.code", "equals": 0},
            {
                "type": "jsonpath",
                "path": "$.data.loadState",
                "equals": "LoadStateLoaded",
                "gives": "degraded",
                "reason": Reason.LOADING.value,
            },
        ),
    ),
    _store(
        "chroma",
        "Chroma",
        "http://localhost:8000",
        "/api/v2/heartbeat",
        "https://docs.trychroma.com/reference/python/client",
        "The server answers with its clock.",
        key=Key.OPTIONAL,
        key_header="x-chroma-token",
        assertions=({"type": "body_contains", "text": "heartbeat"},),
    ),
    _store(
        "chroma-ready",
        "Chroma readiness",
        "http://localhost:8000",
        "/api/v2/healthcheck",
        "https://docs.trychroma.com/reference/python/client",
        "The server's executor and its log are ready.",
        family="chroma",
        key=Key.OPTIONAL,
        key_header="x-chroma-token",
        assertions=(
            {"type": "jsonpath", "path": "$.is_executor_ready", "equals": True},
            {"type": "jsonpath", "path": "$.is_log_client_ready", "equals": True},
        ),
    ),
    _store(
        "elasticsearch",
        "Elasticsearch",
        "http://localhost:9200",
        "/_cluster/health",
        "https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-cluster-health",
        "The cluster is green; yellow is degraded, red is down.",
        key=Key.OPTIONAL,
        key_header="Authorization",
        key_prefix="ApiKey ",
        assertions=_GREEN,
        timeout_ms=10_000,
    ),
    _store(
        "opensearch",
        "OpenSearch",
        "https://localhost:9200",
        "/_cluster/health",
        "https://docs.opensearch.org/latest/api-reference/cluster-api/cluster-health/",
        "The cluster is green; yellow is degraded, red is down. The key is written user:password.",
        key=Key.OPTIONAL,
        key_header="basic",
        assertions=_GREEN,
        timeout_ms=10_000,
    ),
    _store(
        "postgresql",
        "PostgreSQL",
        "localhost:5432",
        "",
        "https://www.postgresql.org/docs/current/runtime-config-connection.html",
        "The server takes connections: it is neither starting up nor full. With the key, the password of a user made "
        "for this, the database is there, that user gets a session, and a pooler reaches its server; without the key "
        "none of that is seen. The address may name user and database: vigil@localhost:5432/app.",
        kind="postgresql",
        key=Key.OPTIONAL,
        key_header="password",
        also=("postgres", "pgvector"),
    ),
    _store(
        "redis",
        "Redis",
        "localhost:6379",
        "",
        "https://redis.io/docs/latest/operate/",
        "The server answers PING, its data loaded; whether it takes writes or has memory left is not seen. The key is "
        "the password, user:password (split at the first colon), or an address like redis://user:password@host.",
        kind="redis",
        key=Key.OPTIONAL,
        key_header="password",
        timeout_ms=3_000,
    ),
)
