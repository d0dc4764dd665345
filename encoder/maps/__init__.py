"""Maps: vectors laid out in two or three dimensions, so that what looks alike lies together (t-SNE)."""
