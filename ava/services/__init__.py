"""What the platform offers: each service joins clients, caches and the database for one purpose."""
