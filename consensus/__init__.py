"""Consensus: reads results, decides rounds by quorum, writes verdicts; no Django, no Celery, no HTTP."""
