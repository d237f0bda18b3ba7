"""NAS-Bench-201: its table, and what can be known of it exactly."""
