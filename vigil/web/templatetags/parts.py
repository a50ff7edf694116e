"""Template tags of the components: addresses of bundles, icons, times, figures."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from functools import lru_cache

from django import template
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from vigil.read_models.core import figures
from vigil.read_models.core.figures import length
from vigil.web.assets import address_of

register = template.Library()


@register.simple_tag
def asset(name: str) -> str:
    """Address of a bundle."""
    return address_of(name)


#: What lists draw again and again, with the template of each, which draws one value: it is named by the file.
_REPEATED = {
    **{name: f"web/parts/{name}.html" for name in ("mark", "dots", "strip")},
    **{name: f"web/pages/overview/{name}.html" for name in ("row", "trouble_row")},
}
_ROWS = frozenset({"row", "trouble_row"})


@register.simple_tag
def drawn(name: str, value: Hashable) -> str:
    """A component, as `include` would draw it; equal values are drawn once, since lists and polls repeat them."""
    return _drawn(name, value)


@lru_cache(maxsize=4_096)
def _drawn(name: str, value: Hashable) -> str:
    if name not in _REPEATED:
        raise ValueError(f"{name} is not a component that is drawn by its value alone")
    return get_template(_REPEATED[name]).render({"row" if name in _ROWS else name: value})


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """A shape of the sprite; it is never the only sign, so it is hidden from screen readers."""
    return format_html(
        '<svg width="{size}" height="{size}" aria-hidden="true"><use href="{sprite}#{name}"/></svg>',
        size=size, sprite=address_of("icons.svg"), name=name,
    )  # fmt: skip


@register.simple_tag
def clock(at: datetime | None, form: str = "%H:%M:%S") -> SafeString | str:
    """A time of day as `<time>`, in UTC; the zone stands beside it or in the head of its column."""
    if at is None:
        return figures.NO_VALUE
    return format_html('<time datetime="{}" dir="ltr">{}</time>', at.isoformat(timespec="seconds"), at.strftime(form))


@register.simple_tag
def moment(at: datetime | None, now: datetime) -> SafeString | str:
    """A time as `<time>`: without the date where it is of the last hours."""
    if at is None:
        return figures.NO_VALUE
    return timed(at, figures.moment(at, now))


@register.simple_tag
def timed(at: datetime, words: str) -> SafeString:
    """A time as `<time>` in words that were made before."""
    return format_html('<time datetime="{}" dir="ltr">{}</time>', at.isoformat(timespec="seconds"), words)


@register.filter
def ms(value: float | None) -> str:
    """Milliseconds in words."""
    return figures.milliseconds(value)


@register.filter
def took_ms(value: timedelta) -> str:
    """A length of time with its unit: `210 ms`, `2.4 s`, from two minutes on `2 min`."""
    ms = max(0.0, value.total_seconds() * 1000)
    return figures.milliseconds(ms) if ms < 120_000 else length(value)


@register.filter
def code_words(text: str) -> SafeString:
    """A text whose words between backticks are code; all of it is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return format_html("{}", text)
    shown = [format_html("<code>{}</code>" if number % 2 else "{}", one) for number, one in enumerate(parts)]
    return format_html_join("", "{}", ((one,) for one in shown))


@register.filter
def percent(value: float | None) -> str:
    """A share in words."""
    return figures.percent(value)


@register.simple_tag
def monitors(number: int) -> str:
    """`1 monitor`, `1,204 monitors`."""
    return f"{number:,} monitor{'' if number == 1 else 's'}"


@register.simple_tag
def lasted(start: datetime, end: datetime) -> str:
    """A length of time: `42 s`, `12 min`, `3 h 5 min`."""
    return length(end - start)


@register.simple_tag
def after(delay: timedelta) -> str:
    """A delay with its unit: `0.34 s`, from a minute on `2 min`."""
    seconds = delay.total_seconds()
    return f"{max(0.0, seconds):.2f}{figures.NARROW}s" if seconds < 60 else length(delay)


@register.simple_tag
def offset(ms: float) -> str:
    """A clock's offset with its sign: `+0.2 s`; `<0.1 s` for less."""
    if abs(ms) < 50:
        return f"<0.1{figures.NARROW}s"
    return f"{ms / 1000:+.1f}{figures.NARROW}s"
