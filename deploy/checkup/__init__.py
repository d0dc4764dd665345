"""What `ruiji doctor` looks at."""
