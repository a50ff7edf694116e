"""Weekly and monthly reports by mail."""
