"""Examination of the installation that this process belongs to, for pages and the API."""

from __future__ import annotations

from vigil.clock import database_now
from vigil.disks import disk_of, postgres_folder
from vigil.doctor.examination import Examined, examine
from vigil.doctor.findings import ExaminationContext
from vigil.monitors.live.results import redis_client


def examine_installation() -> list[Examined]:
    """Every finding, as `manage.py doctor` has them. It changes nothing."""
    folder = postgres_folder()
    disk = disk_of(folder) if folder is not None else None
    free = disk.bytes_free if disk is not None else None
    return examine(ExaminationContext(redis_client(), database_now(), free, (folder,) if folder else ()))
