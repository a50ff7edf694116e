"""Ping receivers (HTTP and mail): write to the ping log before they acknowledge."""
