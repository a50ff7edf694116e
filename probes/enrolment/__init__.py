"""Enrolment of a region's worker: it makes its keys, sends the public halves, and keeps what it gets in one file."""
