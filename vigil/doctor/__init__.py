"""What is wrong with this installation: one check is one function, and one line in `examination.CHECKS`."""
