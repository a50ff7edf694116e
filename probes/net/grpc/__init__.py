"""gRPC health calls over HTTP/2: frames and messages."""
