"""The media engine: in a process of its own on the phone, in-process in tests."""
