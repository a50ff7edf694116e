"""Places of regions on the map, by the names that clouds give to their regions."""

from __future__ import annotations

#: Beginning of a region's name -> latitude and longitude in degrees. The longest that fits counts.
_PLACES = {
    "us-east": (39.0, -77.5), "us-west": (45.6, -121.2), "us-central": (41.3, -95.9), "us-south": (32.8, -96.8),
    "us": (39.0, -95.0), "ca": (45.5, -73.6), "mx": (20.6, -100.4), "sa": (-23.5, -46.6), "br": (-23.5, -46.6),
    "eu-west": (53.3, -6.3), "eu-central": (50.1, 8.7), "eu-north": (59.3, 18.1), "eu-south": (45.5, 9.2),
    "eu-east": (52.2, 21.0), "eu": (50.1, 8.7), "uk": (51.5, -0.1), "de": (50.1, 8.7), "fr": (48.9, 2.4),
    "nl": (52.4, 4.9), "fi": (60.2, 24.9), "af": (-33.9, 18.4), "za": (-33.9, 18.4), "me": (25.3, 55.4),
    "il": (32.1, 34.8), "ap-south": (19.1, 72.9), "ap-southeast": (1.3, 103.8), "ap-northeast": (35.7, 139.7),
    "ap-east": (22.3, 114.2), "ap": (1.3, 103.8), "in": (19.1, 72.9), "sg": (1.3, 103.8), "jp": (35.7, 139.7),
    "kr": (37.6, 127.0), "cn-north": (39.9, 116.4), "cn": (31.2, 121.5), "au": (-33.9, 151.2), "nz": (-36.8, 174.8),
}  # fmt: skip


def place_of(region: str) -> tuple[float, float] | None:
    """Latitude and longitude of a region by its name, such as `eu-west-1`; None for a name that says no place."""
    words = region.split("-")
    for count in range(min(2, len(words)), 0, -1):
        found = _PLACES.get("-".join(words[:count]).rstrip("0123456789"))
        if found is not None:
            return found
    return None
