"""What fingers do: edges of contacts come in, hook, flash, keys and dialled digits come out."""
