"""The accounts: what tariffs must remember of each meter, and what each meter owes."""
