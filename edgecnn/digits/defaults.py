"""What holds unless told otherwise, in a module of its own: a help text costs no import."""

MIN_SCORE = 0.3  # of the detector
MIN_PROBABILITY = 0.5  # of the classifier, for digits; whole frames are answered with any confidence
DETAIL = 1.0  # of a picture: down to its pixels
