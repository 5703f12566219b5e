"""The app assembles: processes, event loops and the command line."""
