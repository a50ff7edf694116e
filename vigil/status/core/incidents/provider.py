"""What a provider says of itself where that explains a component's trouble: its words with a link, no judgement."""

from __future__ import annotations

from html import escape

from vigil.status.core.facts import ProviderFacts
from vigil.status.core.languages.words import PageWords

#: Posts that are shown of one provider.
POSTS_MOST = 3


def provider_lines(provider: ProviderFacts | None, words: PageWords) -> str:
    """What it declares, as a list; empty for nothing."""
    if provider is None or not provider.posts:
        return ""
    rows = "".join(
        f"<li>{words.provider_says.format(name=_link(provider), title=f'<bdi>{escape(post.title)}</bdi>')}"
        f' <span class="muted">{words.since.format(time=words.moment(post.at))}</span></li>'
        for post in provider.posts[:POSTS_MOST]
    )
    return f'<ul class="small provider">{rows}</ul>'


def _link(provider: ProviderFacts) -> str:
    name = f"<bdi>{escape(provider.name)}</bdi>"
    return f'<a href="{escape(provider.address)}" rel="nofollow noopener noreferrer">{name}</a>'
