"""Their messages to our commands, and what we did to their messages."""
