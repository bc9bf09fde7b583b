"""Audits of tokens by the million: against the keys, the records of sales, and the token log."""
