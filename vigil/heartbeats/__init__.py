"""Jobs that call when they ran: their pings, their schedules, and what their silence means."""
