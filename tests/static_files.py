"""Static files as tests serve them: looked up once in a process, and not anew for each client of a test."""

from __future__ import annotations

from whitenoise.middleware import WhiteNoiseMiddleware


def look_up_static_files_once() -> None:
    """Share the files that were found with all middleware of the same settings, from now on, in this process."""
    found: dict[tuple[object, ...], dict[str, object]] = {}
    find = WhiteNoiseMiddleware.add_files_from_finders

    def find_once(self: WhiteNoiseMiddleware) -> None:
        settings = (self.static_prefix, self.max_age, self.allow_all_origins)
        if settings not in found:
            find(self)
            found[settings] = self.files
        self.files = found[settings]

    WhiteNoiseMiddleware.add_files_from_finders = find_once
