"""Process plumbing that workers, consensus and the control plane share: logs, health, Redis connections."""
