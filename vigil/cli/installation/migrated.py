"""Shard map after `migrate`: committed where nothing was left out that a release needs."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.commands.migrate import Command

from vigil.cli.program import PROGRAM
from vigil.incidents.shards import commit_configured


def commit_shards(options: Sequence[str]) -> None:
    """Commit the number of shards after a `migrate` with these options, and print what it is."""
    if is_whole(options):
        print(commit_configured())


def is_whole(options: Sequence[str]) -> bool:
    """Whether `migrate` with these options does all that a release needs."""
    asked = Command().create_parser(PROGRAM, "migrate").parse_args(list(options))
    return not (asked.app_label or asked.plan or asked.check_unapplied or asked.fake or asked.prune)
