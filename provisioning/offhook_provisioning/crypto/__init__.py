"""Signing, sealing, certificates: everything that touches a key."""
