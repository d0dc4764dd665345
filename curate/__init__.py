"""Find all of a label and label it with the fewest clicks."""
