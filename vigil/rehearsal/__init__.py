"""Would it have paged? Stored checks of a monitor through the law, under a policy that it does not have."""
