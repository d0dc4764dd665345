"""`ruiji eval`: where its photos and labels come from, where its figures go, and how they are shown."""
