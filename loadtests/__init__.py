"""Load scenarios for the platform's HTTP API, to be run by Locust.

A package of its own because Locust patches the standard library of the process it runs in: nothing
here is imported by the harness or the platform.
"""
