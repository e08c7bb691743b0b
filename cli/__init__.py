"""The command line, installed as ``edgecnn_cli``. A command parses, calls one library function and shows the result."""
