"""Slips: what is printed for the customer, line by line, for any width of paper."""
