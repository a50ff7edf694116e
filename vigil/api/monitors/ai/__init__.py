"""What only a monitor of AI endpoints can tell, of one monitor."""
