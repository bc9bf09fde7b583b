"""Consumers: residents with one meter each, their API keys and attempts to log in."""
