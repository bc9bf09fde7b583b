"""The clients: points of sale and aggregators that may ask for sales."""
