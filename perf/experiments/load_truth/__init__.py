"""Does the load generator tell the truth? Its figures beside those of servers that are known."""
