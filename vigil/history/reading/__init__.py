"""Reading history: checks, series, uptime spans, summaries and objectives."""
