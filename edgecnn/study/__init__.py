"""Run a study: one process for each run, nothing run twice, one table of validation figures at the end.

``schema`` and ``read`` are what a study may say, ``plan`` makes its runs of it, ``course`` says how far each is
trained, ``run`` has them trained by ``worker`` processes, ``results`` is what comes of them. This file imports nothing:
a worker chooses its cores first.
"""
