"""Parts of the HTTP client: header, framing, codings, charsets, cookies, redirects and HTTP/2."""
