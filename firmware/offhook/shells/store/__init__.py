"""What lasts: files written atomically, the vault, the clocks, the system's randomness."""
