"""The shells touch: network, sound and storage. None imports phone, protocols or another."""
