from django.db import migrations, models

import probes.reasons


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0011_dead_letters"),
    ]

    operations = [
        migrations.AlterField(
            model_name="incident",
            name="failure",
            field=models.CharField(
                choices=[
                    ("ok", "ok"),
                    ("dns_error", "dns error"),
                    ("refused", "refused"),
                    ("reset", "reset"),
                    ("unreachable", "unreachable"),
                    ("timeout", "timeout"),
                    ("tls_error", "tls error"),
                    ("certificate_expired", "certificate expired"),
                    ("certificate_expiring", "certificate expiring"),
                    ("certificate_invalid", "certificate invalid"),
                    ("protocol_error", "protocol error"),
                    ("too_many_redirects", "too many redirects"),
                    ("too_large", "too large"),
                    ("http_4xx", "http 4xx"),
                    ("http_5xx", "http 5xx"),
                    ("unexpected_status", "unexpected status"),
                    ("body_mismatch", "body mismatch"),
                    ("header_mismatch", "header mismatch"),
                    ("value_mismatch", "value mismatch"),
                    ("model_missing", "model missing"),
                    ("model_not_loaded", "model not loaded"),
                    ("loading", "loading"),
                    ("overloaded", "overloaded"),
                    ("stalled", "stalled"),
                    ("busy", "busy"),
                    ("slow", "slow"),
                    ("domain_expiring", "domain expiring"),
                    ("domain_expired", "domain expired"),
                    ("auth", "auth"),
                    ("quota", "quota"),
                    ("rate_limited", "rate limited"),
                    ("config", "config"),
                    ("blocked", "blocked"),
                    ("missed", "missed"),
                    ("overdue", "overdue"),
                    ("probe_error", "probe error"),
                    ("skipped", "skipped"),
                ],
                default=probes.reasons.Reason["OK"],
                max_length=32,
            ),
        ),
    ]
