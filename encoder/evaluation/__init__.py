"""An encoder's evaluation: accuracies over several seeds, retrieval by class and by group, as one record."""
