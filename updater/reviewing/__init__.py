"""What our pull requests hold, and what people refused: read from the forge, and from the commits of their heads."""
