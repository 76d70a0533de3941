"""Kitchens for two cooks: what stands where, what cooks to what, and the rules on arrays in JAX."""
