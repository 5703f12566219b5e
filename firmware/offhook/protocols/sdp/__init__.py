"""SDP (RFC 8866) and the offer/answer of one audio stream (RFC 3264)."""
