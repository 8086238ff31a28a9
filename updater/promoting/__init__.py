"""What may be promoted now: the entries of both sides, their histories, and the gates that versions wait for."""
