"""From the body that a check has read to the notice: over a real Redis, signed, and told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from django.utils import timezone

from consensus.verdicts import Exclusion, Quarantine
from probes import keys
from probes.ai.models.listed import LIST_LIFE_S, ListedModel, ModelList, encode
from probes.results.model_lists import AGAIN_MS, PARSE_EVERY_MS, ModelLists
from probes.signing.signatures import Signer
from tests import streams
from tests.signed import hold_quarantines, now_ms, trust
from vigil.accounts.teams import default_team
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.bench.region_keys import simulated_signer
from vigil.control_keys import published_keys
from vigil.model_watch import drifts, tables
from vigil.model_watch.core.drift import APART, BEGINS, GAP, SETTLES
from vigil.model_watch.lists import ListIntake, forget_deleted
from vigil.model_watch.models import DatedModel, ListState, SeenList
from vigil.model_watch.packed import unpacked
from vigil.model_watch.retirements import tell_retirements
from vigil.model_watch.uses import declare_models, used_models
from vigil.model_watch.watch import ModelWatch
from vigil.monitors.core.litellm import plan
from vigil.monitors.models import Monitor, Region
from vigil.notices.models import StoredNotice

pytestmark = pytest.mark.django_db
OLD = {"a": {}, "b": {}, "c": {"shutdown_date": "2099-01-01"}}
NEW = {**OLD, "d": {}}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as found:
        trust(found, "eu", "us", "ap")
        yield found


@pytest.fixture
def monitor() -> Monitor:
    config = {"url": "https://api.openai.com/v1/models", "provider": "openai", "assertions": [
        {"type": "jsonpath", "path": "$.data[*].id", "contains": "c", "reason": "model_missing"}]}  # fmt: skip
    made = Monitor.objects.create(team=default_team(), name="OpenAI", kind="http", config=config, interval_s=60)
    for slug in ("eu", "us", "ap"):
        made.regions.add(Region.objects.create(slug=slug, domain=slug))
    return made


def body(models: Mapping[str, Any]) -> bytes:
    return json.dumps({"data": [{"id": name, **more} for name, more in models.items()]}).encode()


def on_worker(url: str, work: Callable[[ModelLists], Any], region: str = "eu") -> None:
    """Let one worker note something and write what waits."""

    async def story() -> None:
        connection = redis.asyncio.Redis.from_url(url)
        lists = ModelLists(connection, region, simulated_signer(region, now_ms))
        work(lists)
        await lists.turn()
        assert lists.waiting == 0
        await connection.aclose()

    asyncio.run(story())


def told(monitor: Monitor, models: Mapping[str, Any], at_ms: int, revision: int | None = None) -> Callable[..., None]:
    return lambda lists: lists.note(monitor.public_id, revision or monitor.revision, "openai", body(models), at_ms)


def test_a_worker_tells_a_list_when_it_changes_and_once_an_hour(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    def work(lists: ModelLists) -> None:
        counts = []
        for at_ms, models in [
            (PARSE_EVERY_MS, OLD), (2 * PARSE_EVERY_MS, OLD), (3 * PARSE_EVERY_MS, NEW),
            (3 * PARSE_EVERY_MS + 1, OLD), (4 * PARSE_EVERY_MS + AGAIN_MS, NEW),
        ]:  # fmt: skip
            told(monitor, models, at_ms)(lists)
            counts.append(lists.waiting)
            lists._waiting.clear()
        # Unchanged; too soon after the last to be parsed; again after an hour.
        assert counts == [1, 0, 1, 0, 1]
        # A clock that was set back by a day.
        told(monitor, OLD, 30 * AGAIN_MS)(lists)
        lists._waiting.clear()
        told(monitor, NEW, 6 * AGAIN_MS)(lists)
        assert lists.waiting == 1
        lists._waiting.clear()
        lists.note(monitor.public_id, 1, "openai", b"no list", 40 * AGAIN_MS)
        assert lists.waiting == 0

    on_worker(redis_url, work)
    assert streams.entries(client, keys.model_lists("eu")) == []


def intake(client: redis.Redis) -> set[int]:
    return ListIntake(client, published_keys(client)).take()


def test_the_last_list_of_each_region_is_kept_and_the_stream_is_emptied(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    on_worker(redis_url, told(monitor, OLD, now_ms()))
    on_worker(redis_url, told(monitor, NEW, now_ms()))
    on_worker(redis_url, told(monitor, OLD, now_ms()), "us")
    assert intake(client) == {monitor.pk}
    assert {row.region.slug: sorted(unpacked(row.rows)) for row in SeenList.objects.all()} == {
        "eu": ["a", "b", "c", "d"], "us": ["a", "b", "c"],
    }  # fmt: skip
    assert client.xlen(keys.model_lists("eu")) == 0
    assert intake(client) == set()


def entry(region: str, listed: ModelList | bytes, signer: Signer | None = None) -> dict[bytes, bytes]:
    packed = listed if isinstance(listed, bytes) else encode.encode(listed)
    made = signer or simulated_signer(region, now_ms)
    return {keys.BODY: packed, keys.ENVELOPE: made.sign(keys.model_lists(region), packed, LIST_LIFE_S)}


def test_what_a_hostile_region_tells_is_not_taken(client: redis.Redis, monitor: Monitor) -> None:
    good = ModelList(1, monitor.public_id, monitor.revision, "openai", now_ms(), [ListedModel("x")], 1)
    foreign = Monitor.objects.create(
        team=default_team(), name="of other regions", kind="http", config={}, interval_s=60
    )
    lists: list[dict[bytes, bytes]] = [
        entry("eu", good, simulated_signer("us", now_ms)),
        {keys.BODY: encode.encode(good)},
        {b"x": b"y"},
        entry("eu", b"\xff"),
        entry("eu", ModelList(1, foreign.public_id, 1, "openai", now_ms(), [ListedModel("x")], 1)),
        entry("eu", ModelList(1, monitor.public_id, monitor.revision + 1, "openai", now_ms(), [ListedModel("x")], 1)),
        entry("eu", ModelList(1, "mon_unknown", 1, "openai", now_ms(), [ListedModel("x")], 1)),
        entry("eu", good, simulated_signer("eu", lambda: now_ms() - 1000 * (LIST_LIFE_S + 60))),
    ]
    for fields in lists:
        streams.add(client, keys.model_lists("eu"), fields)
    assert intake(client) == set()
    assert not SeenList.objects.exists()
    assert client.xlen(keys.model_lists("eu")) == 0


def test_a_key_of_the_wrong_type_or_a_full_stream_stops_neither_worker_nor_intake(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    client.set(keys.model_lists("ap"), "mine")
    client.xadd(keys.model_lists("eu"), {"x": ""}, id="18446744073709551615-18446744073709551615")
    on_worker(redis_url, told(monitor, OLD, now_ms()))
    on_worker(redis_url, told(monitor, OLD, now_ms()), "us")
    assert intake(client) == {monitor.pk}
    assert SeenList.objects.count() == 2
    assert not client.exists(keys.model_lists("ap"))


def see(monitor: Monitor, at: datetime, **lists: Mapping[str, Any]) -> None:
    """The regions tell these lists, and the watch looks at them."""
    for slug, models in lists.items():
        rows = [ListedModel(name, retires=more.get("shutdown_date", "")) for name, more in models.items()]
        SeenList.objects.update_or_create(
            monitor=monitor, region=Region.objects.get(slug=slug),
            defaults={"revision": monitor.revision, "provider": "openai", "at": at, "total": len(rows),
                      "rows": drifts.packed(rows)},
        )  # fmt: skip
    drifts.look_at({monitor.pk}, at, enqueue_notices)


def titles() -> list[str]:
    return [row.title for row in StoredNotice.objects.order_by("pk")]


def test_a_change_that_has_settled_is_told_once_with_before_and_after(monitor: Monitor) -> None:
    start = timezone.now()
    see(monitor, start - BEGINS, eu=OLD, us=OLD, ap=OLD)
    see(monitor, start + timedelta(minutes=1), eu=NEW, us=NEW)
    assert drifts.waiting() == {monitor.pk}
    later = start + timedelta(minutes=1) + SETTLES
    see(monitor, later)
    see(monitor, later + timedelta(minutes=5), ap=NEW)
    assert titles() == ["OpenAI: d is new"]
    (told,) = StoredNotice.objects.all()
    assert (told.kind, told.before, told.after, told.monitor) == ("models_changed", "", "d", monitor)
    assert drifts.waiting() == set()
    assert unpacked(ListState.objects.get().rows).keys() == NEW.keys()


def test_monitors_of_one_provider_tell_one_change_once(monitor: Monitor) -> None:
    other = Monitor.objects.create(
        team=default_team(), name="OpenAI 2", kind="http", config=monitor.config, interval_s=60
    )
    start = timezone.now()
    for one in (monitor, other):
        see(one, start - BEGINS, eu=OLD, us=OLD)
        see(one, start, eu=NEW, us=NEW)
        see(one, start + SETTLES)
    assert titles() == ["OpenAI: d is new"]


def test_monitors_that_see_a_provider_change_in_other_steps_tell_each_change_once(monitor: Monitor) -> None:
    more = {**NEW, "e": {}}
    other = Monitor.objects.create(
        team=default_team(), name="OpenAI 2", kind="http", config=monitor.config, interval_s=60
    )
    start = timezone.now()
    for one in (monitor, other):
        see(one, start - BEGINS, eu=OLD, us=OLD)
    see(monitor, start, eu=NEW, us=NEW)
    see(monitor, start + SETTLES, eu=more, us=more)
    see(other, start, eu=more, us=more)
    see(other, start + SETTLES)
    assert titles() == ["OpenAI: d is new", "OpenAI: e is new"]
    see(monitor, start + SETTLES + GAP, eu=more, us=more)
    assert len(titles()) == 2


def test_a_process_that_ends_after_it_took_a_list_has_lost_no_change(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    on_worker(redis_url, told(monitor, OLD, now_ms()))
    assert intake(client) == {monitor.pk} == drifts.waiting()
    drifts.look_at(drifts.waiting(), timezone.now() - BEGINS, enqueue_notices)
    drifts.look_at(drifts.waiting(), timezone.now(), enqueue_notices)
    assert drifts.waiting() == set()
    on_worker(redis_url, told(monitor, NEW, now_ms()))
    intake(client)
    # The process ended here; the next begins with what waits.
    assert drifts.waiting() == {monitor.pk}
    drifts.look_at(drifts.waiting(), timezone.now(), enqueue_notices)
    drifts.look_at(drifts.waiting(), timezone.now() + SETTLES, enqueue_notices)
    assert titles() == ["OpenAI: d is new"] and drifts.waiting() == set()


def test_what_one_region_goes_on_to_see_is_looked_at_no_more_once_it_is_told(monitor: Monitor) -> None:
    start = timezone.now()
    see(monitor, start - BEGINS, eu=OLD, us=OLD, ap=OLD)
    for at in (start, start + APART):
        see(monitor, at, eu=OLD, us=OLD, ap=NEW)
    assert titles() == ["OpenAI: d is new (in ap only)"] and drifts.waiting() == set()


def test_one_region_can_neither_make_up_a_date_nor_move_or_withdraw_one(monitor: Monitor) -> None:
    table = tables.load_table().table
    honest, made_up = {"c": {"shutdown_date": "2099-06-01"}}, {"c": {"shutdown_date": "2098-12-05"}}
    see(monitor, NOW, eu=honest, us=honest, ap=made_up)
    for number in range(3):
        see(monitor, NOW + timedelta(minutes=number), ap={"c": {"shutdown_date": f"2098-12-0{number + 4}"}})
        assert tell_retirements(table, NOW + timedelta(minutes=number), enqueue_notices) == 0
    see(monitor, NOW, ap={"c": {}})
    (used,) = used_models(monitor.team_id, table)
    assert used.retires is not None and str(used.retires.day) == "2099-06-01"
    see(monitor, NOW, eu=made_up, us={"c": {}}, ap={"c": {}})
    assert used_models(monitor.team_id, table)[0].retires is None


def test_another_key_or_address_begins_anew(monitor: Monitor) -> None:
    start = timezone.now()
    see(monitor, start, eu=OLD)
    Monitor.objects.filter(pk=monitor.pk).update(revision=monitor.revision + 1)
    monitor.refresh_from_db()
    see(monitor, start, eu=NEW)
    see(monitor, start + APART, eu=NEW)
    assert titles() == []
    assert unpacked(ListState.objects.get().rows).keys() == NEW.keys()


def test_lists_that_are_old_decide_nothing(monitor: Monitor) -> None:
    start = timezone.now()
    see(monitor, start - BEGINS, eu=OLD)
    see(monitor, start, eu=NEW)
    drifts.look_at({monitor.pk}, start + timedelta(seconds=LIST_LIFE_S + 60), enqueue_notices)
    assert titles() == []


def test_lists_of_a_deleted_monitor_are_forgotten(monitor: Monitor) -> None:
    see(monitor, timezone.now(), eu=OLD)
    assert forget_deleted() == 0
    Monitor.objects.update(deleted_at=timezone.now())
    assert forget_deleted() == 1 and not SeenList.objects.exists()


NOW = datetime(2098, 12, 2, 12, tzinfo=UTC)


def test_a_date_of_the_providers_own_list_counts_before_the_table_and_is_told_ahead(monitor: Monitor) -> None:
    see(monitor, NOW, eu=OLD)
    table = tables.load_table().table
    (used,) = used_models(monitor.team_id, table)
    assert (used.named.model, used.used_by, str(used.retires and used.retires.day)) == ("c", "OpenAI", "2099-01-01")
    for days in (0, 0.5, 1, 23, 40):
        tell_retirements(table, NOW + timedelta(days=days), enqueue_notices)
    assert titles() == [
        "c of OpenAI retires in 30 days, on 2099-01-01",
        "c of OpenAI retires in 7 days, on 2099-01-01",
        "c of OpenAI was to retire on 2099-01-01, and is still in use here",
    ]
    assert "the provider's own list, by OpenAI" in StoredNotice.objects.earliest("pk").after
    Monitor.objects.update(deleted_at=NOW)
    tell_retirements(table, NOW + timedelta(days=50), enqueue_notices)
    assert not DatedModel.objects.exists() and len(titles()) == 3


def test_a_list_that_names_another_day_each_time_is_told_twice_a_day(monitor: Monitor) -> None:
    table = tables.load_table().table
    for number in range(20):
        at = NOW + timedelta(minutes=10 * number)
        see(monitor, at, eu={"c": {"shutdown_date": f"2099-01-{number + 1:02}"}})
        tell_retirements(table, at, enqueue_notices)
    told = StoredNotice.objects.filter(kind="retirement").order_by("pk")
    assert len(told) == 2 and told[1].title.endswith("instead of 2099-01-01")
    tell_retirements(table, NOW + timedelta(days=1, hours=1), enqueue_notices)
    assert [row.title for row in told.all()][2:] == ["c of OpenAI retires on 2099-01-20 instead of 2099-01-02"]


LITELLM = {
    "model_list": [
        {"model_name": "chat", "litellm_params": {"model": "openai/gpt-5"}},
        {
            "model_name": "chat-eu",
            "litellm_params": {"model": "azure/our-name"},
            "model_info": {"base_model": "azure/gpt-5"},
        },
        {"model_name": "all", "litellm_params": {"model": "anthropic/*"}},
    ]
}


def test_models_of_a_litellm_file_are_in_use_each_with_the_date_of_its_own_host() -> None:
    declare_models(default_team().pk, plan(LITELLM))
    found = used_models(default_team().pk, tables.load_table().table)
    assert [
        (one.provider_name, one.named.model, one.used_by, str(one.retires and one.retires.day)) for one in found
    ] == [
        ("OpenAI", "gpt-5", "LiteLLM: chat", "2026-12-11"),
        ("Azure OpenAI", "gpt-5", "LiteLLM: chat-eu", "2027-02-06"),
    ]
    declare_models(default_team().pk, plan({"model_list": LITELLM["model_list"][:1]}))
    assert len(used_models(default_team().pk, tables.load_table().table)) == 1


def test_a_file_of_ones_own_is_read_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.json"
    settings = tables.configuration().model_copy(update={"retirements": file})
    monkeypatch.setattr(tables, "configuration", lambda: settings)
    assert "cannot read" in tables.load_table().problem
    file.write_text("{}")
    loaded = tables.load_table()
    assert "missing required field" in loaded.problem and loaded.table.entry_of("openai", "gpt-5") is not None
    entry = {"provider": "openai", "models": ["gpt-5"], "retires": "2030-06-01", "source": "us", "read": "2030-01-01"}
    file.write_text(json.dumps({"as_of": "2030-01-01", "entries": [entry]}))
    found = tables.load_table()
    assert found.problem == "" and str(getattr(found.table.entry_of("openai", "gpt-5"), "retires", "")) == "2030-06-01"


def test_lists_of_regions_in_quarantine_are_dropped_and_move_no_day(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    hold_quarantines(client, Quarantine(1, "eu", 1, Exclusion.SICK))
    on_worker(redis_url, told(monitor, NEW, now_ms()))
    watch = ModelWatch(client, enqueue_notices)
    watch.turn()
    assert not SeenList.objects.exists() and not client.xlen(keys.model_lists("eu"))

    table, far = tables.load_table().table, {"c": {"shutdown_date": "2099-09-09"}}
    see(monitor, NOW, eu=OLD, us=far, ap=far)
    (most,) = used_models(monitor.team_id, table)
    assert str(most.retires and most.retires.day) == "2099-09-09"
    (used,) = used_models(monitor.team_id, table, ["us", "ap"])
    assert str(used.retires and used.retires.day) == "2099-01-01"
    (alone,) = used_models(monitor.team_id, table, ["eu", "us", "ap"])
    assert alone.retires is not None, "nobody else looks"


def test_a_turn_takes_lists_tells_dates_and_goes_on_without_redis(
    redis_url: str, client: redis.Redis, monitor: Monitor
) -> None:
    soon = (timezone.now() + timedelta(days=6)).date()
    watch = ModelWatch(client, enqueue_notices)
    assert watch.turn() == 0
    on_worker(redis_url, told(monitor, {"c": {"shutdown_date": str(soon)}, "d": {}}, now_ms()))
    watch._duties.make_all_due()
    assert watch.turn() == 1
    assert titles() == [f"c of OpenAI retires in 6 days, on {soon}"]
    watch._duties.make_all_due()
    assert watch.turn() == 0
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    assert ModelWatch(away, enqueue_notices).turn() == 0
