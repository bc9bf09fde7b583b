"""Reconciling: whether sales, tokens, numbers, credit and log agree, and what is open."""
