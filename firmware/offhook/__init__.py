"""Offhook: a secure desk phone that speaks SIP over verified TLS and SRTP, and nothing else."""

from typing import Final

__version__: Final = "0.1.0"
