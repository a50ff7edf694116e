"""What a mass event says of Vigil itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vigil.incidents.core.self_suspicion import Signs, look_at_ourselves

NOTHING = Signs(failing=40, looked_at=40, changed=0, reasons=frozenset({"timeout", "refused"}), domains=3, restarted=[])
FIRST = "40 monitors failed within a minute. Check Vigil itself first: "


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        (NOTHING, "40 monitors failed within a minute; there is no sign of a fault in Vigil itself."),
        (
            replace(NOTHING, same_regions=["a", "b", "c"], seeing=["d"]),
            f"{FIRST}all of them fail in exactly the same regions (a, b and c), and d sees them well: check the way of "
            "these regions.",
        ),
        (
            replace(NOTHING, restarted=["eu-west", "us-east", "ap-south"]),
            FIRST + "the workers of eu-west, us-east and ap-south started within ten minutes (a deployment?).",
        ),
        (replace(NOTHING, changed=20), FIRST + "20 of 40 of these monitors were changed within ten minutes."),
        (
            replace(NOTHING, changed=19),
            "40 monitors failed within a minute; there is no sign of a fault in Vigil itself.",
        ),
        (
            replace(NOTHING, reasons=frozenset({"dns_error"}), domains=1),
            FIRST
            + "every failing vote is a DNS failure: check the regions' resolvers; "
            + "every failing vote comes from one failure domain: check its network.",
        ),
        (
            replace(NOTHING, reasons=frozenset({"certificate_expired"})),
            FIRST + "every failing vote is about a certificate's dates: check the regions' clocks.",
        ),
        (
            replace(NOTHING, reasons=frozenset(), domains=0),
            "40 monitors failed within a minute; there is no sign of a fault in Vigil itself.",
        ),
    ],
)
def test_it_names_what_speaks_for_vigil_itself_or_says_that_nothing_does(signs: Signs, text: str) -> None:
    assert look_at_ourselves(signs) == text
