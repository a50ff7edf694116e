"""The proof that Vigil does its job: a fake provider, a webhook receiver, and the story they play in."""
