"""The sales: what was asked under each id, what came of it, and the life it leads since."""
