"""What holds unless told otherwise, in a module of its own: a help text costs no import."""

MIN_SCORE = 0.25  # of the detector; its file gives nothing below
MIN_PROBABILITY = 0.5  # of the classifier, for digits; whole frames are answered with any confidence
# Of score times probability: a crop that the classifier is sure of needs less of a score. On 912 rendered pages of
# training handwriting, against a score of 0.3 alone: digits found and right 94.61 for 94.53 %, false positives a page
# 0.95 for 1.02 (95 % intervals of the differences -0.02 to 0.18 points and -0.12 to -0.04), as many mistaken.
MIN_CONFIDENCE = 0.25
DETAIL = 1.0  # of a picture: down to its pixels
