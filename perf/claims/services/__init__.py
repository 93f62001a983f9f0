"""Claims about what the services answer and what that costs, service by service."""
