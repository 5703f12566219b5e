"""The control socket: a Unix socket on which the phone's own user may ask. Never an IP address."""
