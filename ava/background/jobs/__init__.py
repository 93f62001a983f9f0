"""What is done in the background: each value of type `Job` in a module of this package."""
