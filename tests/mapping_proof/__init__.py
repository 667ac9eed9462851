"""Our relations beside the platform's."""
