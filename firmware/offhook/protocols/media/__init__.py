"""Media: RTP, SRTP, playout and the messages by which the engine is spoken to."""
