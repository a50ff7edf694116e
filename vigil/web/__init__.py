"""Web pages: sign-in links, health, and the admin of every app."""
