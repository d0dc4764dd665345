"""People at work on a Ruiji that also ingests and trains, for as long as one likes; `ruiji bench soak`."""
