"""History queries: checks, series, uptime spans, summaries and objectives."""
