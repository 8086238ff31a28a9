"""What the service tells of itself: logs, metrics, and outcomes as events that others can follow."""
