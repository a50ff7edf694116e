"""Commands about channels, routes and silences."""
