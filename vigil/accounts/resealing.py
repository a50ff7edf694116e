"""Key rotation: reseals every stored secret under the first key, so that an old key can be removed."""

from __future__ import annotations

from django.apps import apps
from django.db import models, transaction

from vigil.accounts.sealed import SealedJSONField, SealedTextField, Secrets

CHUNK = 500


def reseal() -> dict[str, int]:
    """Reseal all columns in one transaction; returns table.column -> rows. `SealedValueUnreadable` changes nothing."""
    done: dict[str, int] = {}
    with transaction.atomic():
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, SealedJSONField | SealedTextField):
                    done[f"{model._meta.db_table}.{field.column}"] = _reseal(model, field)
    return done


def _reseal(model: type[models.Model], field: SealedJSONField | SealedTextField) -> int:
    count = 0
    rows = model._default_manager.select_for_update().only("pk", field.attname).exclude(**{field.attname: ""})
    for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
        value = getattr(row, field.attname)
        if not value:
            continue
        fresh = Secrets(dict(value)) if isinstance(value, Secrets) else value
        # Not `save`: revision and times must stay.
        model._default_manager.filter(pk=row.pk).update(**{field.attname: fresh})
        count += 1
    return count
