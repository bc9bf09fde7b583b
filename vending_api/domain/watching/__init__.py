"""Watching: the sums of each day, and what is out of the ordinary in it."""
