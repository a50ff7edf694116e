"""Incidents about this installation: dead letters that wait, disks that fill up, regions in quarantine."""
