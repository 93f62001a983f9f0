"""The running process: it listens, says what is missing, and ends in good order."""
