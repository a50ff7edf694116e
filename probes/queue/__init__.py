"""Region queues: Celery as the carrier of batches of checks."""
