"""平台核对: the platform's relations (1317, 5163) against ours, and the board."""
