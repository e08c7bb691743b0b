"""Rendered pages: gray pictures of digits among everything else, with the place of every digit known.

What a detector of digits and the classifier behind it learn from. A page follows from its random generator and the
versions of what draws it; ``render_page`` makes one, ``digit_pages`` whole sets, ``crops`` cuts what the detector hands
over. OpenCV draws, so this package needs the extra ``webcam``; nothing else of edgecnn's data does.
"""
