"""The Redis keyspace: every key, its type, its content and its writers.

    vigil:results:<region>      stream  {b: [Result, ...], e}   written by that region only; signed by it
    vigil:latest:<region>       hash    monitor -> Result       written by that region only
    vigil:region:<region>       string  RegionStatus, 45 s      written by that region only; signed by it
    vigil:regionkeys            string  RegionKeyList           written by ingest: what regions sign with; MAC
    vigil:calls                 stream  {b: Call, e}            written by consensus; MAC
    vigil:rounds                stream  {b: Round, e}           written by dispatch; MAC
    vigil:verdicts              stream  {b: Verdict, e}         written by consensus; MAC
    vigil:believed              hash    monitor -> Belief       written by ingest; field `*` counts publications; MAC
    vigil:believed:changes      stream  {f, t, b: [[monitor, Belief], ...], e}  from mark f to mark t; by ingest; MAC
    vigil:readers               hash    region -> entry id      written by record: how far each results stream is stored
    vigil:stored:<region>       string  entry id                the same, for that region to read; signed by record
    vigil:quarantined           hash    region -> Quarantine    written by consensus; field `*` is the MAC of all
    vigil:baselines             hash    region/chunk -> series  written by consensus, for its successor; MAC
    vigil:refused               hash    origin/cause -> count   what of a region or a stream is not taken
    vigil:shares                hash    region -> part of its scheduled checks that it is sent, where not all; MAC
    vigil:headroom              hash    monitor -> points of its quotas, for their trends; written by ingest; MAC
    vigil:scraped:<monitor>     string  region -> ScrapedChecks, 2 d  what scrapes of its metrics have seen; by web
    vigil:live                  hash    team -> mark            written at each commit that changes what pages show
    vigil:deadletters           stream  {b: DeadLetterMessage, e}  by consensus and dispatch; ingest empties it; MAC
    vigil:pings                 stream  {b: LogEntry}           written by receivers of pings, on VIGIL_PING_REDIS_URL
    vigil:alive                 hash    part -> mark            written by each part of the control plane; MAC
    vigil:alive:<region>        hash    part -> mark            what that region hears, or `dismissed`; signed
    vigil:lease:<name>          string  holder                  who may act, with an epoch beside it
    vigil:lease:shards          string  ShardMap                how many shards there are; written by ingest, 60 s; MAC
    vigil:trial:<id>            hash    `*` -> trial, region -> its answer, and how far its stream is read; 5 min; MAC
    vigil:trials:<team>:<minute> string trials begun in a minute since the epoch; both written by the control plane;
                                        `<team>:file` and `<team>:<host>` count those of files
    vigil:celery:<region>:*     Celery's own keys, a prefix a region; a batch of checks is signed by the control plane
    vigil:celery:<region>:standing  string  StandingNews, 45 s   batches that one worker of that region took, for the
                                        other to know; each as the control plane signed it
    vigil:celery:<region>:models  stream  {b: ModelList, e}      models lists that checks read, where they changed; each
                                        signed by the region; the control plane empties it

`e` is an envelope of what is signed (`probes.signing.envelope`), or a MAC (`probes.signing.control_macs`). In a string
or the field of a hash it stands before the body. Each is bound to its key, so that none counts elsewhere. A user
of Redis can delete and delay what is signed or has a MAC, and nothing else.

What regions can reach may be on a server apart from the rest (VIGIL_CONTROL_REDIS_URL); `is_of_regions` tells it.

Redis carries messages, never truth: losing any of this delays decisions and loses no incident. Pings are the exception:
until they are applied they are nowhere else, so their Redis writes every one of them to its file before it answers.
"""

from __future__ import annotations

from probes.wire import Lane

PREFIX = "vigil:"
CALLS = f"{PREFIX}calls"
ROUNDS = f"{PREFIX}rounds"
VERDICTS = f"{PREFIX}verdicts"
PINGS = f"{PREFIX}pings"
DEAD_LETTERS = f"{PREFIX}deadletters"
BELIEVED = f"{PREFIX}believed"
ALIVE = f"{PREFIX}alive"
BELIEF_CHANGES = f"{PREFIX}believed:changes"
READERS = f"{PREFIX}readers"
QUARANTINED = f"{PREFIX}quarantined"
BASELINES = f"{PREFIX}baselines"
SHARES = f"{PREFIX}shares"
LIVE = f"{PREFIX}live"
HEADROOM = f"{PREFIX}headroom"
REGION_KEYS = f"{PREFIX}regionkeys"
REFUSED = f"{PREFIX}refused"
#: Under the leases, which every part that leads may read.
SHARD_MAP = f"{PREFIX}lease:shards"
#: Counts of what was refused are kept for a day after the last of it.
REFUSED_TTL_S = 86_400
#: The field of every stream entry that holds the message.
BODY = b"b"
#: The field beside it: the envelope of a region's message, or the MAC of one of the control plane.
ENVELOPE = b"e"
#: The field of `believed` that is not a monitor: it is there once the hash is complete, and changes with it.
BELIEVED_MARK = b"*"
#: The field of `quarantined` that is not a region: without it the regions in quarantine are not known yet.
QUARANTINED_MARK = b"*"
#: The field of `alive:<region>` by which a region learns that it is to stop.
DISMISSED = "dismissed"
#: How long a region is believed alive after its last status.
STATUS_TTL_S = 45


#: Beginnings of the keys that regions can reach. All others are the control plane's own.
_OF_REGIONS = tuple(f"{PREFIX}{name}:" for name in ("results", "latest", "region", "alive", "stored", "celery"))
_OF_REGIONS_BYTES = tuple(name.encode() for name in _OF_REGIONS)


def is_key(word: str | bytes) -> bool:
    """Whether a word is the name of a key, or a pattern of such names."""
    return word.startswith(PREFIX) if isinstance(word, str) else word.startswith(PREFIX.encode())


def is_of_regions(key: str | bytes) -> bool:
    """Whether regions can reach a key: it is on their server where the control plane has one of its own."""
    return key.startswith(_OF_REGIONS) if isinstance(key, str) else key.startswith(_OF_REGIONS_BYTES)


EntryId = tuple[int, int]
#: The position before the first entry of a stream.
STREAM_START = "0-0"


def entry_id(text: bytes | str) -> EntryId:
    """A stream entry's id as (milliseconds, sequence), in Redis' order. Raises ValueError on anything else."""
    millis, _, sequence = (text if isinstance(text, str) else text.decode()).partition("-")
    return int(millis), int(sequence or 0)


def entry_id_text(entry: EntryId) -> str:
    """A stream entry's id as Redis writes it: `milliseconds-sequence`."""
    return f"{entry[0]}-{entry[1]}"


def results(region: str) -> str:
    return f"{PREFIX}results:{region}"


def latest(region: str) -> str:
    return f"{PREFIX}latest:{region}"


def alive(region: str) -> str:
    return f"{ALIVE}:{region}"


def mark_of(part: str) -> str:
    """What the MAC of a part's mark is made for: its field."""
    return f"{ALIVE}/{part}"


def heard_by(region: str, field: str) -> str:
    """What a mark for a region, or its dismissal, is signed for: the field of that region's marks."""
    return f"{alive(region)}/{field}"


def stored(region: str) -> str:
    return f"{PREFIX}stored:{region}"


def status(region: str) -> str:
    return f"{PREFIX}region:{region}"


def lease(name: str) -> str:
    return f"{PREFIX}lease:{name}"


def trial(trial_id: str) -> str:
    return f"{PREFIX}trial:{trial_id}"


def scraped(monitor: str) -> str:
    return f"{PREFIX}scraped:{monitor}"


def trials(team: str, minute: int) -> str:
    return f"{PREFIX}trials:{team}:{minute}"


def orders(region: str) -> str:
    """What batches of checks are signed for. It is no key: Celery's own hold them."""
    return f"{PREFIX}orders:{region}"


def standing(region: str) -> str:
    """Where two workers of a region tell each other their orders. Below Celery's, where they may write already."""
    return f"{celery_prefix(region)}standing"


def model_lists(region: str) -> str:
    """Where a region tells models lists. Below Celery's, where its workers may write already."""
    return f"{celery_prefix(region)}models"


def user(region: str) -> str:
    """The Redis user of a region's worker."""
    return f"worker-{region}"


def celery_prefix(region: str) -> str:
    """The prefix under which Celery keeps every key of this region's broker."""
    return f"{PREFIX}celery:{region}:"


def queue(region: str, lane: Lane) -> str:
    """The name of a region's Celery queue."""
    return f"probes.{region}.{lane}"


def owned(region: str) -> dict[str, str]:
    """Every key that a region may write and another process reads or writes, with the type that it must have."""
    prefix, queues = celery_prefix(region), [queue(region, lane) for lane in Lane]
    return {
        results(region): "stream",
        latest(region): "hash",
        alive(region): "hash",
        status(region): "string",
        stored(region): "string",
        standing(region): "string",
        model_lists(region): "stream",
        **{prefix + name: "list" for name in queues},
        **{f"{prefix}_kombu.binding.{name}": "set" for name in queues},
        **{f"{prefix}_kombu.binding_permanent.{name}": "set" for name in queues},
    }
