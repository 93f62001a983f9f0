"""What was fetched once and is still fresh: in this process, in Redis, and both as one cache."""
