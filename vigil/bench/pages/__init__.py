"""Pages benchmark: real pages in a real browser over many monitors with history."""
