"""Pages of schedules: jobs that call, and people who are called."""
