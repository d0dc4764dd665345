"""Ways to learn from two views of a picture without a label: one file each."""
