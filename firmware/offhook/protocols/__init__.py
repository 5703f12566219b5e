"""The protocols think: machines that take bytes and the time, and give bytes and events."""
