"""Makes the card's image out of Debian packages, locked wheels and this checkout.

Python's standard library alone, so that it runs outside a virtual environment; what compiles,
compresses and makes file systems are Debian's tools, named in `board.image.tools`.
"""
