"""A document becomes objects with every field, or problems with a place and a hint."""

from __future__ import annotations

from typing import Any

import pytest

from vigil.code.catalogue import catalogue
from vigil.code.core.document import MOVED_MOST, Document, merged, read_document
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.core.sections.shape import PRIORITY
from vigil.code.core.tree import DocumentError
from vigil.monitors.models import Priority

BASE = """version: 1
project: shop
defaults: {interval: 30s, timeout: 5s, tags: [prod]}
groups:
  chat: {priority: high, tags: [chat], interval: 2m}
monitors:
  api:
    group: chat
    http: {url: "https://api.example/health", headers: {Accept: text/html}, assertions: [{type: latency, down: 800ms}]}
    secrets: {bearer: "${env:API_KEY}"}
  db: {tcp: {host: db.example, port: 5432}, parents: [api], tags: [db, prod]}
  openai: {preset: openai, key: "${env:KEY}", model: gpt-x}
heartbeats:
  nightly: {every: 1d, grace: 20m}
composites:
  chat: {rule: chain, members: [openai, {group: own, any_of: [api, db]}]}
channels:
  ops: {slack: {}, secrets: {url: "${env:SLACK}"}}
routes:
  first: {kinds: [outage], channels: [ops]}
  last: {channels: [ops], default: true}
"""


def document(text: str, values: dict[str, str] | None = None) -> Document:
    return read_document(read_yaml(text, "vigil.yaml"), catalogue(), values)


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        document(text)
    return [str(one) for one in refused.value.problems]


def test_defaults_groups_and_own_fields_are_merged() -> None:
    found = document(BASE).objects
    api, db = found["monitors"]["api"].fields, found["monitors"]["db"].fields
    assert (api["interval"], api["timeout"], api["priority"], api["tags"]) == (120, 5_000, "high", ["prod", "chat"])
    assert (db["interval"], db["priority"], db["tags"], db["name"]) == (30, "normal", ["prod", "db"], "db")
    assert api["config"]["headers"] == [["Accept", "text/html"]]
    assert api["config"]["assertions"] == [{"type": "latency", "down_ms": 800}]
    assert "paused" not in api and "regions" not in api
    assert found["heartbeats"]["nightly"].fields["grace"] == 1_200
    assert found["composites"]["chat"].fields["members"][1] == {"group": "own", "monitors": ["api", "db"]}
    assert [route.fields["position"] for route in found["routes"].values()] == [10, 20]


def test_a_preset_beats_defaults_and_keeps_the_reference_of_its_key() -> None:
    openai = document(BASE).objects["monitors"]["openai"]
    assert (openai.fields["kind"], openai.fields["interval"], openai.fields["tags"]) == ("http", 60, ["prod", "ai"])
    assert openai.secrets == {"bearer": "${env:KEY}"}


def test_values_of_references_replace_text_but_never_secrets() -> None:
    found = document(BASE.replace("api.example", "${env:HOST}"), {"env:HOST": "live.example", "env:API_KEY": "s3"})
    api = found.objects["monitors"]["api"]
    assert api.fields["config"]["url"] == "https://live.example/health"
    assert api.secrets == {"bearer": "${env:API_KEY}"}


WRONG: dict[str, tuple[str, str, str]] = {
    "an unknown field": (
        "  db: {tcp",
        "  db: {intervall: 5s, tcp",
        "vigil.yaml:11: monitors.db: unknown field 'intervall': did you mean interval?",
    ),
    "an unknown setting": ("port: 5432", "prt: 5432", "unknown setting 'prt' of tcp: did you mean port?"),
    "an unknown setting within another": (
        "down: 8",
        "downn: 8",
        "assertions[0].downn: is not known here: did you mean down?",
    ),
    "an unknown section": ("channels:\n", "chanels:\n", "vigil.yaml:17: unknown key 'chanels': did you mean channels?"),
    "a setting out of range": ("port: 5432", "port: 0", "vigil.yaml:11: monitors.db: tcp: port: is between"),
    "a number for a duration": ("every: 1d", "every: 60", "60 has no unit: write a duration such as 30s"),
    "a duration in another unit": ("every: 1d", "every: 1 day", "is not a duration"),
    "units out of order": ("every: 1d", "every: 5m1h", "is not a duration"),
    "a list of monitors": (
        "heartbeats:\n  nightly: {every: 1d, grace: 20m}",
        "heartbeats: [{every: 1d}]",
        "is a map by key, not a list",
    ),
    "no as a flag": ("default: true", "default: no", "write true or false: in YAML 1.2 'no' is text"),
    "a secret in clear": (
        '"${env:SLACK}"',
        "xoxb-secret",
        "channels.ops: secrets.url: write a reference such as ${env:NAME}",
    ),
    "a key in clear": ('"${env:KEY}"', "sk-secret", "key: write a reference"),
    "a missing secret": ('slack: {}, secrets: {url: "${env:SLACK}"}', "pagerduty: {}", "routing_key is missing"),
    "an unknown reference form": ("${env:SLACK}", "${env:1X}", "write ${env:NAME} or ${file:path}"),
    "a lost parent": (
        "parents: [api]",
        "parents: [apl]",
        "parents: there is no 'apl' in monitors, heartbeats, composites: did you mean api?",
    ),
    "a lost channel": ("channels: [ops], default", "channels: [obs], default", "did you mean ops?"),
    "a lost group": ("group: chat", "group: chap", "there is no group 'chap': did you mean chat?"),
    "a cycle": ("  api:\n    group", "  api:\n    parents: [db]\n    group", "a cycle: "),
    "a timeout over the interval": (
        "defaults: {interval: 30s, timeout: 5s",
        "defaults: {interval: 5s, timeout: 10s",
        "the timeout of 10s is longer than the interval of 5s",
    ),
    "two kinds": ("  db: {tcp", "  db: {http: {url: https://a.example/}, tcp", "give one kind, not http and tcp"),
    "no kind": ("  ops: {slack: {}, ", "  ops: {", "give one kind: "),
    "a key in two sections": ("  nightly: {", "  api: {", "share their keys"),
    "a name twice": ("  db: {tcp", "  db: {name: api, tcp", "has the name 'api' too"),
    "another version": ("version: 1", "version: 2", "vigil.yaml:1: version: '2' is not known"),
    "a key like an id": ("  db: {tcp", "  mon_0123456789abcdef: {tcp", "looks like the id"),
    "a cron expression of no hour": (
        "every: 1d, grace",
        'cron: "0 25 * * *", grace',
        "vigil.yaml:14: heartbeats.nightly: cron: Not a cron expression",
    ),
    "an expression of no calendar": ("every: 1d", "on_calendar: nonsense", "on_calendar: Not an OnCalendar expression"),
    "a zone that is not there": (
        "every: 1d",
        'cron: "0 3 * * *", time_zone: Europe/Berln',
        "time_zone: there is no time zone 'Europe/Berln'",
    ),
    "a window that ends before it starts": (
        "routes:\n",
        "silences: {s: {tags: [x], starts_at: 2026-12-02T00:00:00Z, ends_at: 2026-12-01T00:00:00Z}}\nroutes:\n",
        "silences.s: ends_at: Must end after it starts.",
    ),
    "a window of no minute": (
        "routes:\n",
        'silences: {s: {every_monitor: true, cron: "61 * * * *", duration: 1h}}\nroutes:\n',
        "silences.s: cron: This is not a cron expression",
    ),
    "a time of day with an offset": (
        "default: true",
        'default: true, starts: "09:00+02:00", ends: "10:00"',
        "is more than a time of day",
    ),
    "a day that only begins like one": ("default: true", "days: [monster]", "'monster' is not one of mon"),
    "a name that a terminal would obey": ("  db: {tcp", '  db: {name: "a\\e[2J", tcp', "name: is one line of visible"),
    "a tag that reads otherwise": ("tags: [db, prod]", 'tags: ["db\\u202e"]', "tags: is one line of visible text"),
    "a key of other letters": ("  db: {tcp", "  dü: {tcp", "the letters a to z"),
    "an unknown kind of incident": ("kinds: [outage]", "kinds: [outtage]", "did you mean outage?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_problem_names_its_place_and_what_to_write(name: str) -> None:
    old, new, words = WRONG[name]
    assert old in BASE
    found = problems(BASE.replace(old, new, 1))
    assert any(words in one for one in found), found
    assert not any("secret" in one and ("xoxb" in one or "sk-" in one) for one in found)


def test_a_misspelled_kind_is_one_problem() -> None:
    assert problems(BASE.replace("  db: {tcp", "  db: {tcpp")) == [
        "vigil.yaml:11: monitors.db: unknown field 'tcpp': did you mean tcp?"
    ]


def test_several_files_are_one_document_and_share_no_key() -> None:
    parts = [read_yaml("version: 1\nmonitors: {a: {tcp: {host: h.example, port: 1}}}\n", "a.yaml")]
    parts += [read_yaml("monitors: {b: {tcp: {host: h.example, port: 2}}}\n", "b.yaml")]
    assert list(read_document(merged(parts), catalogue()).objects["monitors"]) == ["a", "b"]
    with pytest.raises(DocumentError, match=r"b\.yaml:1: monitors\.a: is already in a\.yaml:2"):
        merged([parts[0], read_yaml("monitors: {a: {}}\n", "b.yaml")])
    with pytest.raises(DocumentError, match=r"b\.yaml:1: a document is a map"):
        merged([parts[0], read_yaml("- {a: {}}\n", "b.yaml")])


def test_a_reference_stands_for_any_field_until_its_value_is_known() -> None:
    text = BASE.replace("every: 1d", 'cron: "${env:CRON}", time_zone: "${env:ZONE}"')
    text = text.replace("parents: [api]", 'parents: "${env:X}", interval: "${env:EVERY}"').replace(
        "members: [openai, {group: own, any_of: [api, db]}]", 'members: "${env:X}"'
    )
    found = document(text).objects
    assert "interval" not in found["monitors"]["db"].fields and not found["composites"]["chat"].is_judged
    with pytest.raises(DocumentError, match=r"interval: '9' is not a duration"):
        document(BASE.replace("tags: [db, prod]", 'interval: "${env:EVERY}"'), {"env:EVERY": "9"})


def test_moved_keys_lead_from_one_that_is_gone_to_one_that_is_there() -> None:
    assert document(BASE + "moved: {old-api: api}\n").moved == {"old-api": "api"}
    assert document(BASE + "moved: [{from: old-api, to: api}]\n").moved == {"old-api": "api"}
    many = ", ".join(f"old-{number}: api" for number in range(MOVED_MOST + 1))
    assert any(f"moved: at most {MOVED_MOST}" in one for one in problems(BASE + f"moved: {{{many}}}\n"))
    wrong: dict[str, Any] = {
        "{db: api}": "the old one is gone",
        "{x: ap}": "did you mean api?",
        "[{form: a}]": "write a map",
    }
    for text, words in wrong.items():
        assert any(words in one for one in problems(BASE + f"moved: {text}\n"))


def test_priorities_are_those_of_monitors() -> None:
    assert list(PRIORITY.words) == Priority.values
