"""Going live: the demo hospital, joint tests, acceptance."""
