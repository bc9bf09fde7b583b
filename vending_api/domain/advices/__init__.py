"""Advices: what points of sale say became of a sale, and what it does to the money."""
