"""One module a provider: its answers as they arrive, read into the common vocabulary."""
