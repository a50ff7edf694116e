"""Scale benchmark: the control plane with many monitors."""
