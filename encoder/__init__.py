"""Pictures to vectors: train an encoder without labels, save it as a folder, embed with it, measure it."""
