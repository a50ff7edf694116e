"""Letters to subscribers: the outbox of public updates, and what sends them by mail, webhook and Slack."""
