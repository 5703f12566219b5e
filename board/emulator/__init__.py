"""Starts the card's image in QEMU, with a network of its own and hands at its pins."""
