"""API of status pages: pages with their components, and public incidents with their updates."""
