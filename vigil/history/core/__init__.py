"""History packing and arithmetic: packed hours, rollups, uptime, burn rates. Pure."""
