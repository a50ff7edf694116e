"""What providers say of themselves: their status feeds, read as a second witness that never votes."""
