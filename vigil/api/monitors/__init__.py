"""API of monitoring: monitors, composites, heartbeats, presets, regions, feeds."""
