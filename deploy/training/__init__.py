"""`ruiji train`: pictures in, an encoder that is known here out."""
