"""Accounts and calls: who is called, what was agreed, how far it can be trusted."""
