"""Addresses of the settings, below `/settings/`."""

from __future__ import annotations

from django.urls import path

from vigil.web.pages.settings import channel_forms, channels, dead_letters, feeds, health, own, tokens

urlpatterns = [
    path("channels", channels.channels, name="settings-channels"),
    path("channels/new", channel_forms.new, name="settings-channel-new"),
    path("channels/<str:public_id>", channels.channel, name="settings-channel"),
    path("channels/<str:public_id>/edit", channel_forms.edit, name="settings-channel-edit"),
    path("feeds", feeds.feeds, name="settings-feeds"),
    path("feeds/switch", feeds.change, name="settings-feed"),
    path("tokens", tokens.tokens, name="settings-tokens"),
    path("tokens/<str:public_id>", tokens.change, name="settings-token"),
    path("health", health.health, name="settings-health"),
    path("dead-letters", dead_letters.dead_letters, name="settings-dead-letters"),
    path("dead-letters/<str:public_id>", dead_letters.change, name="settings-dead-letter"),
    path("you", own.you, name="settings-you"),
]
