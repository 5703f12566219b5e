"""The shells touch: network, sound and storage. They import neither phone nor protocols nor each other."""
