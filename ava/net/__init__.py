"""How the platform asks others: limits, quotas, breakers, retries, and one client for them all."""
