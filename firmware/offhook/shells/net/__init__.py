"""The network as the phone touches it: TLS flows, DNS questions and UDP paths. No listener."""
