"""Pretend vendors: strict, stateful HTTP stand-ins that share no code with the product."""
