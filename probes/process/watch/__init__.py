"""Watch over a process's own loops: one that stands still ends the process, so that a supervisor starts it anew."""
