"""`ruiji map`: maps as a picture or as a page of their own, from the ledger's vectors or from any photos."""
