"""Selling online: what is called outside of transactions, and what is committed between."""
