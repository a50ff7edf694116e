"""API of what is watched: monitors, composites, heartbeats, presets, regions, feeds."""
