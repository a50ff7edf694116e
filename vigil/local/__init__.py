"""One machine as a whole installation: folder, ports, embedded servers and the supervisor that runs them."""
