"""The audit trail: a row for every administrative action, each vouching for the one before it."""
