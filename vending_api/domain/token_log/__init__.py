"""The token log: a row for every token ever made, in chains that show what was changed."""
