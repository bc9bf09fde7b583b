"""Approvals: what one operator proposes and another must approve, once."""
