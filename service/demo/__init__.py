"""``hamgate demo``: a made-up newspaper whose comments Hamgate filters, to see the product at work.

It calls Hamgate over HTTP alone, as any site's backend would.

Reading order: news, comments, client, desk, site, command.
"""
