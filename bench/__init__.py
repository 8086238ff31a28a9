"""`python -m bench`: how long the updater takes, against the least that git itself needs for the same commits."""
