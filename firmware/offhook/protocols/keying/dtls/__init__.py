"""DTLS-SRTP (RFC 5763, RFC 5764, RFC 8842): keys agreed in the media path itself."""
