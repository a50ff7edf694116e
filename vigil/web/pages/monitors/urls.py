"""Addresses of the pages of one monitor."""

from __future__ import annotations

from django.urls import path

from vigil.web.pages.monitors import chart, days, looks, page, rehearsal, results

urlpatterns = [
    path("live/monitors/<str:public_id>", page.live, name="live-monitor"),
    path("monitors/<str:public_id>", page.monitor, name="monitor"),
    path("monitors/<str:public_id>/latency", chart.table, name="monitor-latency-table"),
    path("monitors/<str:public_id>/latency.json", chart.series, name="monitor-latency-json"),
    path("monitors/<str:public_id>/latency.csv", chart.csv_file, name="monitor-latency-csv"),
    path("monitors/<str:public_id>/days", days.days, name="monitor-days"),
    path("monitors/<str:public_id>/days/<str:day>", days.day, name="monitor-day"),
    path("monitors/<str:public_id>/results", results.results, name="monitor-results"),
    path("monitors/<str:public_id>/rehearsal", rehearsal.rehearsal, name="monitor-rehearsal"),
    path("monitors/<str:public_id>/told", rehearsal.beside, name="monitor-told"),
    path("monitors/<str:public_id>/sensitivity/<str:value>", rehearsal.set_sensitivity, name="monitor-sensitivity"),
    path("monitors/<str:public_id>/look", looks.look_now, name="monitor-look-now"),
    path("monitors/<str:public_id>/looks/<str:trial_id>", looks.look, name="monitor-look"),
]
