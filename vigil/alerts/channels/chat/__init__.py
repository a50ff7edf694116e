"""Chat channels: Discord, Google Chat, Slack and Microsoft Teams."""
