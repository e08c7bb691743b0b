"""A camera, a video or a picture read live: sources, window, overlay and recorder, all with OpenCV."""
