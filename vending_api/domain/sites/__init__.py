"""Sites: what a site file says, compared with the register and entered."""
