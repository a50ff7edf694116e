"""Redis address: the URL of a server, or of the Sentinels that know which server is the primary. Pure.

    redis://user:password@host:6379/0      with TLS rediss://, by a socket file unix:///run/redis.sock
    redis+sentinel://user:password@one:26379,two:26379,three:26379/mymaster/0      with TLS rediss+sentinel://

User and password are those of the servers. Sentinels that ask for a login of their own get it from the query,
`?sentinel_user=NAME&sentinel_password=PASSWORD`. Other options of the query are redis-py's, for servers and Sentinels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

Place = tuple[str, int]
SCHEMES = frozenset({"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"})
SERVER_PORT, SENTINEL_PORT = 6379, 26379
_SENTINEL = "+sentinel"
_SENTINELS_MOST = 9


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is. `service` is the name of the primary at the Sentinels; empty where `places` is the server.

    `login` and `sentinel_login` are `user:password@` as a URL holds them, or empty.
    """

    scheme: str
    places: tuple[Place, ...]
    login: str = field(default="", repr=False)
    path: str = ""
    query: str = ""
    service: str = ""
    sentinel_login: str = field(default="", repr=False)

    @property
    def is_tls(self) -> bool:
        return self.scheme == "rediss"

    @property
    def server_url(self) -> str:
        """A URL that redis-py and Celery read: with Sentinels, of the first of them, in the place of the primary."""
        return self.at(self.places[0]) if self.places else f"{self.scheme}://{self.login}{self.path}{self._query()}"

    def at(self, place: Place) -> str:
        """The URL of one of the servers, with the login."""
        return f"{self.scheme}://{self.login}{_written(place)}{self.path}{self._query()}"

    def sentinel_at(self, place: Place) -> str:
        """The URL of one of the Sentinels, with their login."""
        return f"{self.scheme}://{self.sentinel_login}{_written(place)}{self._query()}"

    def for_user(self, user: str, password: str) -> str:
        """The URL, in its own form, for another user of the servers."""
        return replace(self, login=f"{user}:{quote(password, safe='')}@").url

    @property
    def url(self) -> str:
        """The URL in its own form."""
        if not self.service:
            return self.server_url
        places = ",".join(_written(place) for place in self.places)
        user, _, password = self.sentinel_login.removesuffix("@").partition(":")
        own = {"sentinel_user": unquote(user), "sentinel_password": unquote(password)} if self.sentinel_login else {}
        query = urlencode([*parse_qsl(self.query), *((name, value) for name, value in own.items() if value)])
        path = f"/{quote(self.service, safe='')}{self.path}"
        return f"{self.scheme}{_SENTINEL}://{self.login}{places}{path}{'?' if query else ''}{query}"

    def _query(self) -> str:
        return f"?{self.query}" if self.query else ""


def parse_redis_url(url: str, schemes: Collection[str] = SCHEMES) -> RedisAddress:
    """The address of a URL; raises ValueError with what it should look like."""
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        raise ValueError("must look like redis://user:password@host:6379/0, or rediss:// with TLS")
    login, at, hosts = parts.netloc.rpartition("@")
    if not parts.scheme.endswith(_SENTINEL):
        server: tuple[Place, ...] = () if parts.scheme == "unix" else (_place(hosts, SERVER_PORT),)
        return RedisAddress(parts.scheme, server, login + at, parts.path, parts.query)
    service, _, database = parts.path.lstrip("/").partition("/")
    places = tuple(_place(host, SENTINEL_PORT) for host in hosts.split(","))
    if not service or not all(host for host, _ in places) or len(places) > _SENTINELS_MOST or not _is_number(database):
        raise ValueError(
            "must look like redis+sentinel://user:password@one:26379,two:26379,three:26379/mymaster/0, "
            "with the name of the primary, or rediss+sentinel:// with TLS"
        )
    options = dict(parse_qsl(parts.query))
    user, password = options.pop("sentinel_user", ""), options.pop("sentinel_password", "")
    sentinel_login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""
    path = f"/{database}" if database else ""
    scheme = parts.scheme.removesuffix(_SENTINEL)
    return RedisAddress(scheme, places, login + at, path, urlencode(options), unquote(service), sentinel_login)


def without_login(url: str) -> str:
    """The URL itself; raises ValueError where it has a user or password for the servers, or no host."""
    address = parse_redis_url(url, SCHEMES - {"unix"})
    if address.login or not all(host for host, _ in address.places):
        raise ValueError("must look like rediss://redis.example.com:6380/0, without user and password")
    return url


def _place(host: str, port: int) -> Place:
    """Raises ValueError on a port that is none."""
    parts = urlsplit(f"//{host}")
    return parts.hostname or "", parts.port or port


def _written(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_number(database: str) -> bool:
    return not database or (database.isascii() and database.isdigit())
