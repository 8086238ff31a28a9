"""Where events come from when nobody sends them to our hooks: plug-ins that ask, and queues that are shared."""
