"""Addresses of row forms: each kind has a new one, its change and its deletion."""

from __future__ import annotations

from django.urls import path

from vigil.web.pages.row_forms import views
from vigil.web.pages.row_forms.forms import objectives, people, stand_ins, status_pages, subscribers
from vigil.web.pages.row_forms.kinds import FORMS

urlpatterns = [
    *(path(f"{form.base}/new", views.new_row, {"kind": key}, f"{key}-new") for key, form in FORMS.items()),
    *(
        path(f"{form.base}/<str:public_id>/edit", views.edit_row, {"kind": key}, f"{key}-edit")
        for key, form in FORMS.items()
    ),
    *(
        path(f"{form.base}/<str:public_id>/delete", views.delete_row, {"kind": key}, f"{key}-delete")
        for key, form in FORMS.items()
    ),
    path("on-call/rotations/<str:public_id>/stand-in", stand_ins.stand_in, name="stand-in"),
    path("on-call/rotations/<str:public_id>/stand-ins/<str:override>/end", stand_ins.end_stand_in, name="stand-in-end"),
    path("objectives", objectives.targets, name="objectives"),
    path("objectives/<str:public_id>", objectives.target, name="objective"),
    path("settings/status-pages", status_pages.status_pages, name="settings-status-pages"),
    path("settings/status-pages/<str:public_id>/preview", status_pages.preview, name="status-page-preview"),
    path("settings/status-pages/<str:public_id>/subscribers", subscribers.subscribers, name="subscribers"),
    path("settings/status-pages/<str:public_id>/subscribers.csv", subscribers.as_csv, name="subscribers-csv"),
    path("on-call/people", people.everyone, name="people"),
    path("on-call/people/<str:public_id>", people.person, name="person"),
]
