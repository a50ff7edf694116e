"""Redis users of an installation: what each may do, and with which keys. Pure.

`deploy/redis.acl.example` holds the same rules; a test compares them, and runs each user's process under them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from probes import keys

CONSENSUS, USERS = "consensus", "users"
#: On Redis 6.2 `reset` leaves every channel open.
_NOTHING = "reset on resetchannels"
#: What a region's worker sent in a recorded run through its life; a test repeats that run, and holds it against this.
#: It logs in with HELLO. INFO is needed for `run_id`, by which a worker knows a restarted Redis. SMEMBERS and LPUSH
#: give back, at a stop, what was taken from the queue and not begun. No Lua, and nothing that shows other names.
REGION_COMMANDS = (
    "+hello +ping +time +info|server +multi +exec +xadd +xinfo|stream +hset +hmget +get +set +del +llen +brpop"
    " +lpush +sadd +smembers"
)
#: Consensus finds regions by SCAN, keeps its lease by Lua, and may delete keys that a region gave the wrong type.
CONSENSUS_COMMANDS = (
    "+@connection +@transaction +@stream +@hash +@string -@dangerous +time +info|server +del +scan +type +expire"
    " +evalsha +script|load"
)
USERS_COMMANDS = "+auth +hello +ping +info|server +acl|setuser +acl|deluser +client|kill +client|list"
_CONSENSUS_KEYS = (
    keys.results("*"), keys.latest("*"), keys.status("*"), keys.CALLS, keys.ROUNDS, keys.VERDICTS, keys.BELIEVED,
    keys.BELIEF_CHANGES, keys.READERS, keys.QUARANTINED, keys.BASELINES, keys.REFUSED, keys.DEAD_LETTERS, keys.ALIVE,
    keys.lease("*"), keys.REGION_KEYS,
)  # fmt: skip


def region_rules(region: str, password: str) -> str:
    """The rules of a region's user, as ACL SETUSER takes them."""
    return _region_rules(region, f">{password}")


def hashed_region_rules(region: str, passwords: Sequence[str]) -> str:
    """The same for several passwords, of which only the hashes show."""
    return _region_rules(region, " ".join(f"#{hashlib.sha256(one.encode()).hexdigest()}" for one in passwords))


def _region_rules(region: str, passwords: str) -> str:
    own = (keys.results, keys.latest, keys.status, keys.alive, keys.stored)
    names = [*(name(region) for name in own), keys.celery_prefix(region) + "*"]
    return f"{_NOTHING} {passwords} {_patterns(names)} -@all {REGION_COMMANDS}"


def users_rules(password: str) -> str:
    """The rules of the user that makes and ends the users of regions; the control plane is it in web and dispatch."""
    return f"{_NOTHING} >{password} -@all {USERS_COMMANDS}"


def consensus_rules(password: str) -> str:
    """The rules of the user of consensus."""
    return f"{_NOTHING} >{password} {_patterns(_CONSENSUS_KEYS)} -@all {CONSENSUS_COMMANDS}"


def control_rules(password: str) -> str:
    """The rules of the user of the control plane."""
    return f"{_NOTHING} >{password} ~{keys.PREFIX}* +@all -@admin -@dangerous +info"


def password_of(user: str, secret: str) -> str:
    """A user's password, derived from a secret that the user does not know."""
    return hmac.new(secret.encode(), f"redis user {user}".encode(), hashlib.sha256).hexdigest()


def _patterns(names: list[str] | tuple[str, ...]) -> str:
    return " ".join(f"~{name}" for name in names)
