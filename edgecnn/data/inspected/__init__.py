"""A data set looked at before it is trained on: what ``edgecnn data`` shows."""
