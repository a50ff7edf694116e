"""Status feeds: the tables of a new installation in one step, for the 2 of an older one."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [("feeds", "0001_initial"), ("feeds", "0002_plain_address")]

    initial = True

    dependencies = []

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="Feed",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "provider",
                            models.CharField(
                                choices=[
                                    ("anthropic", "Anthropic"),
                                    ("aws-bedrock", "Amazon Bedrock"),
                                    ("azure", "Microsoft Azure"),
                                    ("cohere", "Cohere"),
                                    ("deepseek", "DeepSeek"),
                                    ("elevenlabs", "ElevenLabs"),
                                    ("fireworks", "Fireworks"),
                                    ("google", "Google Cloud"),
                                    ("groq", "Groq"),
                                    ("huggingface", "Hugging Face"),
                                    ("mistral", "Mistral"),
                                    ("openai", "OpenAI"),
                                    ("openrouter", "OpenRouter"),
                                    ("perplexity", "Perplexity"),
                                    ("pinecone", "Pinecone"),
                                    ("qdrant", "Qdrant Cloud"),
                                    ("replicate", "Replicate"),
                                    ("stability", "Stability AI"),
                                    ("together", "Together"),
                                    ("voyage", "Voyage AI"),
                                    ("weaviate", "Weaviate Cloud"),
                                    ("xai", "xAI"),
                                ],
                                max_length=40,
                                unique=True,
                            ),
                        ),
                        ("enabled", models.BooleanField(default=False)),
                        (
                            "url",
                            models.CharField(
                                blank=True,
                                default="",
                                max_length=500,
                                validators=[django.core.validators.URLValidator(["http", "https"])],
                            ),
                        ),
                        ("etag", models.CharField(blank=True, default="", editable=False, max_length=200)),
                        ("modified", models.CharField(blank=True, default="", editable=False, max_length=100)),
                        ("format", models.CharField(blank=True, default="", editable=False, max_length=20)),
                        ("asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("ok_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("problem", models.CharField(blank=True, default="", editable=False, max_length=200)),
                    ],
                    options={
                        "ordering": ("provider",),
                    },
                ),
                migrations.CreateModel(
                    name="FeedPost",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("external_id", models.CharField(max_length=120)),
                        ("title", models.CharField(max_length=200)),
                        ("seen_at", models.DateTimeField()),
                        ("absent_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(blank=True, null=True)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "feed",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="posts", to="feeds.feed"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-seen_at", "-id"),
                        "indexes": [models.Index(fields=["feed", "seen_at"], name="feed_post_seen")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)),
                                fields=("feed", "external_id"),
                                name="feed_post_open_once",
                            )
                        ],
                    },
                ),
            ]
        ),
    ]
