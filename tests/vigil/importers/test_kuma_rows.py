"""Uptime Kuma: maintenances by plan, certificates at a port, headers of its own, and notifications by service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, imported, planned
from tests.vigil.importers.kuma_databases import database, notification
from vigil.importers.core.report import ItemOutcome

SITE = {"id": 1, "name": "Shop", "type": "http", "url": "https://shop.example/", "interval": 60}


def rows(**tables: list[dict[str, Any]]) -> Result:
    return planned("uptime-kuma", {"tables": {"monitor": [SITE], **tables}})


def maintained(**columns: Any) -> Result:
    maintenance = {"id": 1, "title": "Plan", "active": 1, "timezone": "Europe/Berlin", **columns}
    return rows(maintenance=[maintenance], monitor_maintenance=[{"monitor_id": 1, "maintenance_id": 1}])


@pytest.mark.parametrize(
    ("columns", "cron", "length"),
    [
        ({"strategy": "recurring-weekday", "weekdays": "[1,3]"}, "30 22 * * 1,3", "4h"),
        ({"strategy": "recurring-day-of-month", "days_of_month": '[1,"lastDay1"]'}, "30 22 1,L * *", "4h"),
        ({"strategy": "recurring-interval", "interval_day": 1}, "30 22 * * *", "4h"),
    ],
)
def test_a_plan_from_before_its_database_held_expressions_is_made_into_one(
    columns: dict[str, Any], cron: str, length: str
) -> None:
    made = maintained(start_time="22:30:00", end_time="02:30", **columns)
    assert (made.document["maintenance"]["plan"]["cron"], made.document["maintenance"]["plan"]["duration"]) == (
        cron,
        length,
    )


def test_a_plan_that_passes_days_over_is_refused_and_one_without_its_last_days_says_so() -> None:
    plan = {"strategy": "recurring-interval", "cron": "0 2 * * *", "duration": 3600}
    assert "every 14 days" in maintained(**plan, interval_day=14).why("Plan")
    some = {"strategy": "recurring-day-of-month", "cron": "0 2 1 * *", "duration": 3600}
    assert "left out" in maintained(**some, days_of_month='[1, "lastDay2"]').why("Plan")
    for strategy in ("manual", "recurring-weekday", "something"):
        assert "has no plan" in maintained(strategy=strategy).why("Plan")


def test_the_time_zone_of_the_server_is_read_from_its_settings() -> None:
    made = rows(
        maintenance=[{"id": 1, "title": "Plan", "strategy": "cron", "cron": "0 2 * * 0", "duration": 3600,
                      "timezone": "SAME_AS_SERVER"}],
        monitor_maintenance=[{"monitor_id": 1, "maintenance_id": 1}],
        setting=[{"key": "serverTimezone", "value": '"Asia/Tokyo"'}],
    )  # fmt: skip
    assert made.document["maintenance"]["plan"]["zone"] == "Asia/Tokyo"
    assert made.item("Plan").outcome is ItemOutcome.MAPPED


def port(**columns: Any) -> Result:
    row = {"id": 1, "name": "Mail", "type": "port", "hostname": "mail.example", "smtp_security": "starttls", **columns}
    return planned("uptime-kuma", {"tables": {"monitor": [row]}})


def test_the_certificate_of_a_port_is_watched_where_uptime_kuma_does() -> None:
    watched = {"host": "mail.example", "degraded_days": 21, "down_days": 0}
    assert port(port=143, expiry_notification=1).document["monitors"]["mail"]["tls"] == {
        **watched, "port": 143, "starttls": "imap"
    }  # fmt: skip
    assert port(port=993, expiry_notification=1, smtp_security="secure").document["monitors"]["mail"]["tls"] == {
        **watched, "port": 993
    }  # fmt: skip
    assert "tcp" in port(port=143, expiry_notification=0).document["monitors"]["mail"]
    assert "port 5222 is not known" in port(port=5222, expiry_notification=1).why("Mail")


def test_a_header_of_its_own_replaces_the_login() -> None:
    own = SITE | {"headers": '{"Authorization": "Bearer obviously-fake"}', "auth_method": "basic"}
    login = own | {"basic_auth_user": "bot", "basic_auth_pass": "obviously-fake"}
    made = planned("uptime-kuma", {"tables": {"monitor": [login]}})
    assert made.document["monitors"]["shop"]["secrets"] == {"bearer": "${env:SHOP_BEARER}"}


def test_an_address_that_takes_posts_is_a_key_and_never_in_the_file(tmp_path: Path) -> None:
    given = [
        notification(1, "Hook", type="webhook", webhookURL="https://hooks.example/obviously-fake?id=1"),
        notification(2, "Pager", type="PagerDuty", pagerdutyIntegrationKey="a" * 32,
                     pagerdutyIntegrationUrl="https://events.eu.pagerduty.com/v2/enqueue"),
        notification(3, "Thread", type="discord", discordChannelType="postToThread", threadId="77",
                     discordWebhookUrl="https://discord.com/api/webhooks/1/obviously-fake"),
        notification(4, "Bullet", type="pushbullet", pushbulletAccessToken="obviously-fake"),
        notification(5, "Lark", type="Feishu", feishuWebHookUrl="https://open.feishu.cn/open-apis/bot/v2/hook/fake"),
        notification(6, "Ding", type="DingDing", secretKey="SECobviouslyfake",
                     webHookUrl="https://oapi.dingtalk.com/robot/send?access_token=obviouslyfake"),
    ]  # fmt: skip
    made = imported("uptime-kuma", database(tmp_path / "kuma.db", "2.4", [SITE], notification=given))
    assert "fake" not in made.text
    channels = made.document["channels"]
    assert channels["hook"]["webhook"] == {"url": "${env:HOOK_URL}"}
    assert channels["pager"]["pagerduty"] == {"url": "https://events.eu.pagerduty.com/v2/enqueue"}
    assert [next(kind for kind in each if kind not in ("name", "secrets")) for each in channels.values()] == [
        "webhook", "pagerduty", "discord", "apprise", "apprise", "apprise"
    ]  # fmt: skip


def test_conditions_that_no_check_here_has_are_named() -> None:
    row = {"id": 1, "name": "Cache", "type": "redis", "database_connection_string": "redis://cache.example",
           "conditions": '[{"type": "expression", "operator": "equals", "value": "PONG"}]'}  # fmt: skip
    assert "conditions" in planned("uptime-kuma", {"tables": {"monitor": [row]}}).why("Cache")
    ping = {"id": 1, "name": "Router", "type": "ping", "hostname": "router.example", "packet_size": 1400}
    assert "usual size" in planned("uptime-kuma", {"tables": {"monitor": [ping]}}).why("Router")
    far = {"id": 1, "name": "Name", "type": "globalping", "subtype": "dns", "hostname": "shop.example"}
    made = planned("uptime-kuma", {"tables": {"monitor": [far]}})
    assert made.document["monitors"]["name"]["dns"] == {"name": "shop.example", "record": "A"}


def test_of_several_database_servers_the_first_is_watched_and_srv_names_are_refused() -> None:
    row = {"id": 1, "name": "Base", "type": "mongodb"}
    several = row | {"database_connection_string": "mongodb://u:p@a.example:27018,b.example:27018/app?replicaSet=x"}
    made = planned("uptime-kuma", {"tables": {"monitor": [several]}})
    assert made.document["monitors"]["base"]["tcp"] == {"host": "a.example", "port": 27018}
    assert "only of the first server" in made.why("Base")
    found = row | {"database_connection_string": "mongodb+srv://u:p@cluster.example/app"}
    assert "SRV" in planned("uptime-kuma", {"tables": {"monitor": [found]}}).why("Base")


def test_an_installation_without_a_monitor_says_so() -> None:
    assert planned("uptime-kuma", {"tables": {"monitor": []}}).report.notes == ("the source holds nothing to import",)
