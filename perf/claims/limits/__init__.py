"""Claims about what is let through to a provider: rates, quotas, breakers and turns."""
