"""What every floor shares: errors, secrets, randomness, the vocabulary and the settings' schema."""
