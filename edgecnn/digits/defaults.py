"""The least scores of detector and classifier, unless told otherwise; on its own: a help text costs no import."""

MIN_SCORE = 0.3  # of the detector
MIN_PROBABILITY = 0.5  # of the classifier, for digits; whole frames are answered with any confidence
