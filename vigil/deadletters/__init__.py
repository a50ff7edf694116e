"""Dead letters: what loops could not apply, kept with its error until it is replayed or discarded."""
