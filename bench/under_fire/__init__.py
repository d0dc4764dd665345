"""A Ruiji at work while everything around it fails, and the check that nothing of what it acknowledged is lost."""
