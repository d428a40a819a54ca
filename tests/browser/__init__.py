"""Real-browser tests: a package, so that the browser and the demo they share end with this folder."""
