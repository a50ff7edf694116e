"""On call: acknowledgements, snoozes, timers, callbacks and the calendar."""
