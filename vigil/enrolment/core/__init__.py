"""Decisions of enrolment. Pure."""
