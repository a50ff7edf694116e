"""Page of one monitor: its row and uptime, its days, members, results, latency chart and rehearsal."""
