"""Doctor (self-diagnosis): checks of this installation; one function and one line in `examination.CHECKS` each."""
