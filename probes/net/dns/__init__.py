"""DNS messages: question, answer and values."""
