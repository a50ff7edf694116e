"""Doctor (self-diagnosis): one function and one line in `examination.CHECKS` for each check."""
