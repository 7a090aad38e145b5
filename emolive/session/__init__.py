"""What is kept of a session: recorded, recovered, found again, marked and exported."""
