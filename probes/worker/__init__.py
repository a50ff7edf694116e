"""The region worker: its process, settings, status, and what it does when no control plane is heard."""
