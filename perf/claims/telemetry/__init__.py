"""Claims about what the running system says of itself: metrics, logs and alarms."""
