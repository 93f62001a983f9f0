"""What the platform holds under load, and whether the load generator tells the truth about it."""
