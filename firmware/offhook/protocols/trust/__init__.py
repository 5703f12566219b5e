"""Trust: whether a certificate chain speaks for a SIP domain (RFC 5922)."""
