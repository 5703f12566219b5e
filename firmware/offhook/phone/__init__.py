"""The phone decides: accounts, calls and what their owner is told."""
