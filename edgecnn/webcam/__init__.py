"""A camera, a video or a picture read by a model: capture, find, classify, vote, show. OpenCV lives here."""
