"""Jobs: slots and periods in virtual time, workflows on real databases, workers that are really killed."""
