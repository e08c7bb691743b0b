"""How sure finder and classifier have to be, unless told otherwise; on its own, so that a help text costs no import."""

MIN_SCORE = 0.3  # of the finder
MIN_PROBABILITY = 0.5  # of the classifier, for digits; whole frames are answered however unsure
