"""History benchmark."""
