"""What detection does at each stage."""
