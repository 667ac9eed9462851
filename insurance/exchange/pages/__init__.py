"""What the exchange's pages read: submissions and calls in words, messages by their labels, the connection's state."""
