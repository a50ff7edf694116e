"""Dispatch: who is due now, in which region; and rounds, opened when consensus calls for them."""
