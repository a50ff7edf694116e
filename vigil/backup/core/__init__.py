"""Contents of a backup, and the decision whether it may be restored. Pure."""
