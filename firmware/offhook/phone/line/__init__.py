"""The line: what the person can do now, and what the telephone does about it."""
