"""Flask, the wire formats, keys, settings and the command line. Knows nothing of scikit-learn."""
