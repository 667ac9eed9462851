"""Hospital items and the national codes they are tied to: suggested, reviewed, uploaded, proved."""
