"""The practice trunk: a small TLS registrar and answering machine to try a phone against."""
