"""Forms of rows that a team writes: people, rotations, policies, routes, silences and what is watched as a whole."""
