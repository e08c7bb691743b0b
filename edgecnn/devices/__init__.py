"""Devices: where a model file runs that is not this process, and what is asked of it there.

``kinds`` has a file for each way to get there; ``runner.py`` is what runs there, ``connection.py`` the conversation
with it, ``session.py`` an ONNX Runtime session there, used like one here, ``opened.py`` model files opened in it.
"""
