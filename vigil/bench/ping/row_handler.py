"""Baseline handler: a Django view behind all middleware that locks the row, writes a row, and answers."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from vigil.heartbeats.models import Heartbeat, StoredPing


@csrf_exempt
def ping(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    with transaction.atomic():
        row = Heartbeat.objects.select_for_update().filter(code=code).first()
        if row is None:
            return HttpResponse("not found", status=404)
        row.pings += 1
        row.status = "up"
        row.last_ping_at = row.last_success_at = Now()
        row.save(update_fields=["pings", "status", "last_ping_at", "last_success_at"])
        StoredPing.objects.create(
            id=uuid.uuid4(),
            heartbeat=row,
            n=row.pings,
            at=Now(),
            kind="success",
            rid=request.GET.get("rid", ""),
            method=request.method or "GET",
            body=request.body[:100_000],
        )
    return HttpResponse("OK")


urlpatterns = [path("row/<uuid:code>", ping)]
