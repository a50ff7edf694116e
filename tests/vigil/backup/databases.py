"""Databases of a test beside the one that Django has, and programs that stand in for PostgreSQL's."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
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


def stand_in(place: Path, name: str, script: str) -> dict[str, str]:
    """A program that is found first, says that it is of the server's version, and then does something else."""
    folder = place / "programs"
    folder.mkdir(exist_ok=True)
    with psycopg.connect(os.environ["VIGIL_DATABASE_URL"]) as server:
        major = server.info.server_version // 10_000
    program = folder / name
    version = f'[ "$1" = --version ] && {{ echo "{name} (PostgreSQL) {major}.1"; exit; }}\n'
    program.write_text(f"#!/bin/sh\n{version}{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}
