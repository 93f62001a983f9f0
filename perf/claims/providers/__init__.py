"""Claims about the client of the providers, and the stages on which providers are simulated."""
