"""Ava, the core of a trading-data platform.

Clients of outside providers, caches, limits, a batched PostgreSQL layer, services and an HTTP
API. It can run in production by itself and never imports `perf`, the harness that measures it.
"""
