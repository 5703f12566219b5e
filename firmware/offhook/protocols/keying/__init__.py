"""Keying: how two phones come to share SRTP keys."""
