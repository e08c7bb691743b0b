"""The parts of the page on digits before a camera: what reads, what is read, what is measured, the record, the page."""
