"""Kinds of device: one file each, found by its name (``Kind`` in ``place.py`` says what such a file has)."""
