"""Claims about what is kept: in memory, in Redis, for how long, and how it is invalidated."""
