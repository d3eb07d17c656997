"""Flask, the wire formats, keys, settings and the command line. Knows nothing of scikit-learn.

Reading order: config, problems, files, uploads, secret, addresses, passwords, schemas, bodies, logs, metrics, drift,
auth, served_model, rulebook, follower, judge, recorder, observer, check, forms, akismet, api, labelling, description,
moderation, app, gateway, schedule, upkeep, server, options, refusals, messages, learning, staff, sites, offline, job,
demo, cli.
"""
