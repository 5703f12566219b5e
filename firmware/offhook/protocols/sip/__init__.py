"""SIP (RFC 3261 and what belongs to it) as machines over one verified flow."""
