"""The figures of a report, one file each, found by its name: see ``edgecnn/report/figure.py``."""
