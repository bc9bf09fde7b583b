"""One folder for each interface that the service speaks."""
