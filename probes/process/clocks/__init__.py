"""Clocks of a process that do not follow steps of its machine's."""
