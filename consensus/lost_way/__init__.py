"""Regions that lose their way together: the law of rows and columns where the sick are not the minority."""
