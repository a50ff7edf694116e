"""Commands that run one process of the control plane."""
