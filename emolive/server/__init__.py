"""`emolive serve`: calls from telephone systems in, results to watchers (the `server` extra)."""
