"""Cards, images and sticks, to which documents for phones are written."""
