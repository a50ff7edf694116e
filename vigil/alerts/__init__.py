"""Who is told of an incident, and the telling."""
