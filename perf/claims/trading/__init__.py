"""Claims about the loop that turns prices into orders, on stages made for it."""
