"""Public incidents for readers: the card that stands on the page, and the page that each has of its own."""
