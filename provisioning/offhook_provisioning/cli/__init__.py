"""The command `offhook-provision`."""
