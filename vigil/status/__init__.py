"""Status pages: what a team tells others about its components and incidents, served like a file."""
