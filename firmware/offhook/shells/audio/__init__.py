"""Sound: what gives a period and takes one, at the pace of its own clock."""
