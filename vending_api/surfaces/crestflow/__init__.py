"""The consumer interface: residents buy, and see their tokens, payments and readings."""
