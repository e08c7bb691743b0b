"""Run a model file: session, providers, classifier, pictures, self-test. Needs numpy, Pillow and ONNX Runtime alone."""
