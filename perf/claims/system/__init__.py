"""Claims about the running system: its processes, API, console and background work."""
