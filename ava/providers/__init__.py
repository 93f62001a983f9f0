"""One module a provider: what it can be asked, and how its answers and its refusals read."""
