"""Facts of a status page: all that its projection may know. Nothing here names a target, a region or a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from vigil.history.core.uptime import Settled
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.access import PageAccess
from vigil.status.core.languages import DEFAULT, language_query, words_of
from vigil.status.core.languages.words import PageWords
from vigil.status.core.look.pictures import CheckedPicture, PictureRole
from vigil.status.core.states import (
    OF_IMPACT,
    OVER,
    UNDER_WAY,
    PublicImpact,
    PublicState,
    UpdateState,
    measured,
    worst,
)


@dataclass(frozen=True, slots=True)
class DeclaredPost:
    """An open post of a provider's status page, and when it was there first."""

    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """A provider by its name, its own status page, and what it declares now."""

    name: str
    address: str
    posts: Sequence[DeclaredPost]


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """A component under its public name: states and spans of its monitors, which stay without names."""

    id: str
    name: str
    group: str
    description: str
    position: int
    created_at: datetime
    shown: Sequence[ShownState] = ()
    spans: Sequence[Settled] = ()
    #: What stands behind it, where that is shown, and what it declares now.
    provider: ProviderFacts | None = None


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """One update of a public incident."""

    id: str
    state: UpdateState
    text: str
    at: datetime
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublicIncidentFacts:
    """A public incident with its updates, the oldest first, and the ids of the components that it affects."""

    id: str
    title: str
    impact: PublicImpact
    started_at: datetime
    updates: Sequence[UpdateFacts]
    components: frozenset[str]
    #: Start and end of planned maintenance.
    planned: tuple[datetime, datetime] | None = None
    postmortem: str = ""
    postmortem_at: datetime | None = None
    #: When readers could see it first: of many updates only the newest are here.
    published_at: datetime | None = None
    #: When its title, impact, components or window was changed in public.
    edited_at: datetime | None = None

    @property
    def state(self) -> UpdateState:
        return self.updates[-1].state if self.updates else UpdateState.INVESTIGATING

    @property
    def is_open(self) -> bool:
        return self.state not in OVER

    @property
    def announced_at(self) -> datetime:
        """When readers heard of it first, of planned maintenance; else when it began."""
        if self.planned is None or not self.updates:
            return self.started_at
        return self.published_at or self.updates[0].at

    @property
    def is_failure(self) -> bool:
        """Whether it is no planned maintenance."""
        return self.planned is None

    @property
    def is_under_way(self) -> bool:
        """Whether it is maintenance that has begun, and is not over."""
        return self.state in UNDER_WAY

    @property
    def resolved_at(self) -> datetime | None:
        return None if self.is_open else self.updates[-1].at

    @property
    def updated_at(self) -> datetime:
        edits = [one.edited_at for one in self.updates if one.edited_at is not None]
        said = self.updates[-1].at if self.updates else self.started_at
        return max([said, *edits, *filter(None, (self.postmortem_at, self.edited_at))])


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A status page at `now`.

    `changed_at` is when what it shows changed last as far as its rows say, `heard_at` when what is measured was heard
    last: `now` while results come.
    """

    id: str
    slug: str
    title: str
    header: str
    footer: str
    access: PageAccess
    created_at: datetime
    now: datetime
    changed_at: datetime
    heard_at: datetime
    components: Sequence[ComponentFacts] = ()
    incidents: Sequence[PublicIncidentFacts] = ()
    #: Older ones, which have a page of their own and are on no other.
    earlier: Sequence[PublicIncidentFacts] = ()
    #: Its own domain, or empty.
    domain: str = ""
    #: Tag of its language.
    language: str = DEFAULT
    #: Its own colour, or empty, and its pictures.
    accent: str = ""
    #: Response times of components that show them, by their ids: p95 of each of ninety days in ms, the oldest first.
    latency: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    pictures: Mapping[PictureRole, CheckedPicture] = field(default_factory=dict)

    @property
    def words(self) -> PageWords:
        return words_of(self.language)

    @property
    def open_incidents(self) -> list[PublicIncidentFacts]:
        return [one for one in self.incidents if one.is_open and one.is_failure]

    @property
    def open_maintenances(self) -> list[PublicIncidentFacts]:
        """Planned maintenance to come and under way, what begins first first."""
        found = [one for one in self.incidents if one.is_open and one.planned is not None]
        return sorted(found, key=lambda one: (one.started_at, one.id))

    def state_of(self, component: ComponentFacts) -> PublicState:
        """What is measured, or what an open incident says of it where that is worse.

        What is measured in maintenance is maintenance.
        """
        said = [OF_IMPACT[one.impact] for one in self.open_incidents if component.id in one.components]
        under_way = any(component.id in one.components for one in self.incidents if one.is_under_way)
        return worst([PublicState.MAINTENANCE if under_way else measured(component.shown), *said])

    @property
    def state(self) -> PublicState:
        """The worst state of its components, and of open incidents that name none."""
        unnamed = [OF_IMPACT[one.impact] for one in self.open_incidents if not one.components]
        unnamed += [PublicState.MAINTENANCE for one in self.incidents if one.is_under_way and not one.components]
        return worst([*(self.state_of(one) for one in self.components), *unnamed])


@dataclass(frozen=True, slots=True)
class PageFrame:
    """Where a page and what it needs are served: its address without slash, the style sheet, the sprite, the icon.

    `subscribe` is where readers subscribe; nowhere where it is empty.
    """

    address: str
    style: str
    sprite: str
    icon: str
    subscribe: str = ""
    #: Of strips, or empty.
    script: str = ""
    #: Languages that readers may choose, and the one that they chose: not the page's own, or empty.
    languages: tuple[str, ...] = ()
    chosen: str = ""
    #: Where its style sheet and pictures are for each of its addresses: below its own where it is empty.
    look: str = ""

    def at(self, path: str = "") -> str:
        """Address of a document for people, in the language that they chose."""
        return f"{self.address}{'/' if path else ''}{path}{self.query}"

    @property
    def query(self) -> str:
        """What keeps the language that was chosen."""
        return language_query(self.chosen)
