"""Labels, read from the files of other programs; a person's decision here is never beaten by them."""
