"""Prompts: sentences become lists of fragments, of which the sound is ready."""
