"""People, the teams that own things, and the ways to prove who is asking."""
