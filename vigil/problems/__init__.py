"""Problem details of the API (RFC 9457): what is wrong, in one form for every answer."""
