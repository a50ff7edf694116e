"""Enrolment of region workers: single-use codes, what a worker gets for one, and the Redis users of regions."""
