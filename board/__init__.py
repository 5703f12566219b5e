"""The telephone's board: image recipe, boot, partitions, services, wiring."""
