"""Admin of what is watched, and from where: monitors, composites, regions."""
