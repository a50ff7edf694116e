"""Commands about what is watched."""
