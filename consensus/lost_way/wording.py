"""Wording of regions that have lost their way together, for their operator. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from consensus.proof import LostWay


def title(together: Sequence[str], seeing: Sequence[str]) -> str:
    """One line: how many regions, and what can still be relied on."""
    many = f"{len(together)} of {len(together) + len(seeing)} regions lost their way"
    if len(seeing) < 2:
        return f"{many}: too few are left to judge by"
    return f"{many}: what is seen from the {len(seeing)} others is well"


def lost_together(region: str, found: LostWay) -> str:
    """Why this region is in quarantine."""
    return (
        f"Region {region} has lost its way, like {_others(region, found.lost)}: they fail {found.monitors} monitors of "
        f"{found.sites} unrelated sites in exactly the same moments, and {_list(found.seeing)} see all of them well. "
        "It is an event of these regions, and no outage of their targets."
    )


def story(together: Sequence[str], seeing: Sequence[str], found: LostWay | None) -> str:
    """What happened, and how Vigil goes on."""
    if found is None:
        what = f"{_list(together)} fail what the others see well, one after the other, or cannot reach their anchors."
    else:
        what = (
            f"{_list(found.lost)} began to fail {found.monitors} monitors of {found.sites} unrelated sites together, "
            f"while {_list(found.seeing)} see all of them well. It is an event of these regions, and no outage of "
            "their targets."
        )
    if len(seeing) < 2:
        return f"{what} Their votes do not count. Too few regions are left to tell of outages: every status is unknown."
    return (
        f"{what} Their votes do not count. Outages are still told by {_list(seeing)}: a minimum of two votes, in two "
        "failure domains where a monitor has three. It ends once they see again for half a minute."
    )


def _others(region: str, lost: Sequence[str]) -> str:
    return _list([other for other in lost if other != region]) or "no other"


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
