"""What holds unless told otherwise, in a module of its own: a help text costs no import."""

MIN_SCORE = 0.2  # of the detector; the zoo's file gives nothing below
MIN_PROBABILITY = 0.5  # of the classifier, for digits; whole frames are answered with any confidence
# Of score times probability: a crop that the classifier is sure of needs less of a score. On 608 rendered pages of
# training handwriting, against a score of 0.3 alone: digits found and right 95.59 for 95.15 % (95 % interval of the
# difference 0.28 to 0.63 points), false positives a page 0.76 for 0.74, as many mistaken.
MIN_CONFIDENCE = 0.22
# Where the classifier has no class "none" it calls each crop some digit, and the detector's score says more. mnist-best
# on 304 such pages: right 78.3 for 79.4 %, false positives a page 1.4 for 3.3.
MIN_CONFIDENCE_ALWAYS_A_DIGIT = 0.4
DETAIL = 1.0  # of a picture: down to its pixels
