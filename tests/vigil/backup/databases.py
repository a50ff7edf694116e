"""Databases of a test, beside the one that Django has: named by their address, and dropped afterwards."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from psycopg import sql


def address_of_test_database(server: str) -> str:
    return urlsplit(server)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@contextlib.contextmanager
def empty_database(server: str) -> Iterator[str]:
    name = f"restored_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def everything_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with psycopg.connect(url) as opened:
        names = [row[0] for row in opened.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {
            name: sorted(
                opened.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("public", name))).fetchall()
            )
            for name in sorted(names)
        }
