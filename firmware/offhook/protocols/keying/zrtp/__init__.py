"""ZRTP (RFC 6189): two phones agree on SRTP keys in the media path, and people compare a word."""
