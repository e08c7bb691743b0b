"""Digits anywhere in a frame, read as text: the one application that edgecnn brings, with the data it learns from."""
