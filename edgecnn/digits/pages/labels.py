"""What the things on a page are called: 0 to 9 are the digits."""

CLUTTER = 10  # letters, words and signs whose place is known
NOTHING = -1  # where a page has fewer things than another
