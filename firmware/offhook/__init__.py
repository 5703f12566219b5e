"""Offhook: a secure desk phone that speaks SIP over verified TLS and SRTP, and nothing else."""
