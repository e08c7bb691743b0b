"""Pictures and tables, for where people would rather look than read."""
