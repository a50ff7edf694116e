"""Distribution of tests over the workers of pytest-xdist: those that wait run beside those that compute.

A test of whole installations waits for deadlines and intervals, and leaves the processor idle for most of its minutes.
At most so many of them run at once that the other workers always have something to compute. The longest begin first, so
that no worker is alone with one in the end. Tests of a file share a worker, and with it what they set up once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from xdist.scheduler import LoadGroupScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

#: Groups of tests that wait more than they compute, the longest first.
WAITING_GROUPS = ("machine", "browser", "chaos", "packaging", "deployments", "shards")
#: Folders of tests each of which waits, and is long enough to be one unit of work.
WAITING_FOLDERS = ("tests/e2e/",)
#: Folders of tests each of which computes so long that it is one unit of work.
LONG_FOLDERS = ("tests/simulation/",)


def unit_of(test: str) -> str:
    """The unit of work of a test: its group, itself where it is long, else its file."""
    if test.rfind("@") > test.rfind("]"):
        return test.rpartition("@")[2]
    return test if test.startswith(WAITING_FOLDERS + LONG_FOLDERS) else test.partition("::")[0]


def is_waiting(unit: str) -> bool:
    """Whether the tests of a unit wait more than they compute."""
    return unit in WAITING_GROUPS or unit.startswith(WAITING_FOLDERS)


def in_order(units: Iterable[str]) -> list[str]:
    """What waits longest first, then what computes long, then the rest as it was collected."""

    def place(unit: str) -> int:
        if unit in WAITING_GROUPS:
            return WAITING_GROUPS.index(unit)
        long_folders = WAITING_FOLDERS + LONG_FOLDERS
        return next(
            (len(WAITING_GROUPS) + number for number, folder in enumerate(long_folders) if unit.startswith(folder)),
            len(WAITING_GROUPS) + len(long_folders),
        )

    return sorted(units, key=place)


def next_unit(queue: Iterable[str], own: Collection[str], of_workers: Iterable[Collection[str]], most: int) -> str:
    """The unit for a worker whose unfinished ones are `own`: one that waits while fewer than `most` workers have one.

    A worker gets no second one that waits: it would stand behind the first. Where there is no fitting one, the next.
    """
    waiting = sum(any(map(is_waiting, units)) for units in of_workers)
    wanted = waiting < most and not any(map(is_waiting, own))
    units = list(queue)
    return next((unit for unit in units if is_waiting(unit) == wanted), units[0])


class PacedScheduling(LoadGroupScheduling):
    """`--dist loadgroup`, in the order and with the limit of this module."""

    _ordered = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if not self._ordered:
            self._ordered = True
            for unit in in_order(self.workqueue):
                self.workqueue.move_to_end(unit)
        held = {one: _unfinished(work) for one, work in self.assigned_work.items()}
        most = max(1, len(self.nodes) - 1)
        self.workqueue.move_to_end(next_unit(self.workqueue, held[node], held.values(), most), last=False)
        super()._assign_work_unit(node)


def _unfinished(work: Mapping[str, Mapping[str, bool]]) -> list[str]:
    return [unit for unit, tests in work.items() if not all(tests.values())]
