"""What classification does at each stage."""
