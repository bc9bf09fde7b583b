"""The act of selling: claim the id, price, issue, record, answer."""
