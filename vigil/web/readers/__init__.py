"""Readers of status pages: what they are told where a page is not shown to them."""
