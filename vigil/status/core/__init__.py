"""Pure part of status pages: from facts to the bytes of a page, and from a request to its answer."""
