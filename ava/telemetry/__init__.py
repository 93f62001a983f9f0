"""What the running system says of itself: metrics, traces, logs, and alerts on slow answers.

Nothing is counted here that the platform counts already: collectors read those figures when they
are asked. What a request takes is noted by a plain ASGI layer, which takes microseconds itself.
"""
