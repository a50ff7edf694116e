"""Commands that only developers run; the wheel leaves them out."""
