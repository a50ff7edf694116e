"""Look of a status page: a team's colour and pictures, within limits."""
