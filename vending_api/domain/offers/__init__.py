"""Offers: all that a sum would bring a meter now, worked out before anything is changed."""
