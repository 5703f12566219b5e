"""A workspace on the disk: inventory, keys, secrets, state, and one operator at a time."""
