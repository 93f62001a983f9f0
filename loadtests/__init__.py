"""Load scenarios for the platform's HTTP API.

A module here that has a `SCENARIO` is one. It can be read without Locust, which patches the
standard library and is loaded in the generator's own process only.
"""
