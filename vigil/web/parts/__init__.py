"""Components of pages as values: what the templates in `web/parts/` draw. Pure."""
