"""What is watched, and from where."""
