"""Types of fields in documents."""
