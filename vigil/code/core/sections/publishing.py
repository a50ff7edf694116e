"""Section of status pages. Pure.

Words of other packages stand here as they list them, which this pure module cannot read; a test compares them.
"""

from __future__ import annotations

from vigil.code.core.fields.plain import NetworkType, PatternType
from vigil.code.core.fields.structured import StepsType
from vigil.code.core.fields.types import ChoiceType, FlagType, ListType, TextType
from vigil.code.core.sections.shape import SHORT_NAME, WATCHED_KEY, Section, SectionField

VISIBILITIES = ("public", "password", "team", "addresses")
LANGUAGES = ("de", "en")
SUBSCRIBER_KINDS = ("email", "webhook", "slack")
COMPONENTS_MOST, NETWORKS_MOST = 100, 100
_PROSE = TextType(1_000, empty=True)

STATUS_PAGES = Section(
    "status page",
    "Status pages and their components. Passwords, pictures and what is said of incidents are no part of the document.",
    {
        "name": SHORT_NAME,
        "slug": SectionField(
            PatternType(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", "use lower-case letters, digits and hyphens", 60),
            "Its address: /status/SLUG.",
            required=True,
        ),
        "header": SectionField(_PROSE, "Markdown above the components.", ""),
        "footer": SectionField(_PROSE, "Markdown at the end.", ""),
        "visibility": SectionField(ChoiceType(VISIBILITIES), "Who may read it.", "public"),
        "networks": SectionField(ListType(NetworkType(), NETWORKS_MOST, ordered=True), "Of `addresses`.", []),
        "domain": SectionField(
            PatternType(r"[a-z0-9.-]+", "write it as browsers send it: status.example.com, in lower case", 253),
            "A domain of its own.",
            "",
        ),
        "language": SectionField(ChoiceType(LANGUAGES), "Of the words that are not yours.", "en"),
        "accent": SectionField(
            PatternType("#[0-9a-f]{6}", "write it as #0b6784, in lower case", 7), "Colour of links.", ""
        ),
        "subscriber_kinds": SectionField(
            ListType(ChoiceType(SUBSCRIBER_KINDS)), "How readers may subscribe; left as it is if not given."
        ),
        "enabled": SectionField(FlagType(), "Whether it is served.", True),
        "components": SectionField(
            StepsType(
                {
                    "name": ("name", TextType(100, line=True)),
                    "group": ("group", TextType(100, line=True)),
                    "description": ("description", TextType(200, line=True)),
                    "monitor": ("monitor", WATCHED_KEY),
                    "tag": ("tag", TextType(50, line=True)),
                    "provider": ("provider", TextType(40, line=True)),
                    "shows_latency": ("shows_latency", FlagType()),
                },
                noun="component",
                most=COMPONENTS_MOST,
            ),
            "In order: each a public name, and a monitor or a tag.",
            [],
        ),
    },
    most=100,
)
