"""Operators: who may do what at the commands, how they log in, what they log in with."""
