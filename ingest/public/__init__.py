"""Public photo collections, fetched and written as plain image folders."""
