"""Prometheus with blackbox_exporter: scrape jobs, modules, relabelling and alert rules."""
