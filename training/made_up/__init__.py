"""Comments that nobody sent, made up for training beside real ones: what real sets have too little of.

Names under which people comment all over the world, and what is advertised; links of both; mail domains, which tell
neither; and texts of both kinds in many languages, contact forms included. The files beside the code hold the material,
written for this purpose but for a few proverbs: templates of texts, with ``{this|or that}`` and ``{blanks}`` to be
filled in, stories, which are lists of sentences of which one of each is taken, and lists of words. Reading order:
words, senders, texts, examples.
"""
