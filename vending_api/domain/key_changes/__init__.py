"""Key changes: whether a meter must get another key before it takes anything else."""
