"""API of monitoring: monitors, composites, presets, regions, feeds."""
