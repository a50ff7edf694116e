"""Alert wording."""
