"""Pins: where a person's fingers meet the telephone."""
