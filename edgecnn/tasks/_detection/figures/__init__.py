"""The figures of a report that a detector alone has, one file each."""
