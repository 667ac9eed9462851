"""What needs two persons: proposed by one, approved by another; deputies, duty roster, handover."""
