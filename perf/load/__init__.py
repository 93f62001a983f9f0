"""Load: what a service does under traffic that does not wait for it.

Requests are due on a schedule made beforehand, and a response time counts from the due time, so a
server that stalls is charged for all who would have come meanwhile. Locust carries the requests,
in processes of its own; the harness starts them, hears their events and never imports it. What a
generator could not do honestly makes its run invalid; it is never turned into a figure.
"""
