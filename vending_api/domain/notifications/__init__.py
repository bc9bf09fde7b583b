"""The outbox: what customers are to be told, kept with what it is about and sent later."""
