"""What is known of every image: ledger, labels, embedding shards, index, artifacts, and how they are kept in step."""
