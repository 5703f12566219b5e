"""How a telephone is wired by its hardware profile: diagram, pin table, parts, warnings."""
