"""Sampling from exported generators: numpy and ONNX Runtime, no TensorFlow."""
