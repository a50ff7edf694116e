"""Incident decisions: life cycle, dissent, shared causes, composites. Pure."""
