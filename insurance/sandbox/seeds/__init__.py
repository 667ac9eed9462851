"""The books a sandbox starts with, made from its seed: the same seed gives the same books."""
