"""Receivers of pings: by HTTP and by mail, written to the ping log before they are acknowledged."""
