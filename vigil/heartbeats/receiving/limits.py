"""Limits of a connection that pings: sizes (bytes), requests, and deadlines (s). Pure."""

from __future__ import annotations

#: Largest head of a request.
MAX_HEAD = 16_384
#: Largest read of the loop; only its beginning may be a head.
READ_AT_ONCE = 262_144
#: Largest body of a request.
MAX_BODY = 10_000_000
#: The beginning of each body that does not count as buffered (bytes).
FREE_BYTES = 4_096
#: Pipelined requests per connection; beyond that reading stops (backpressure).
MAX_PIPELINED = 64
#: Idle timeout: from the last answer to the next request, and between two pieces of a request (s).
IDLE_S = 30.0
#: Longest time for one request to arrive, and for its answer to be read (s).
ARRIVAL_S = 60.0
#: How long a refused client may still send (lingering close, s).
LINGER_S = 2.0
#: Of what is kept, so much is searched again with what is not: a keyword may be cut in two.
MAX_WORD_BYTES = 400
