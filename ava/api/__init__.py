"""The HTTP API: services as typed answers, with the freshness that they really have."""
