"""Forms of what is watched: new monitors, edits that respect others' changes, and deletion."""
