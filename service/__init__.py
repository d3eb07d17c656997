"""Flask, the wire formats, keys, settings and the command line. Knows nothing of scikit-learn.

Reading order: config, problems, background, destinations, files, uploads, secret, addresses, passwords, schemas,
bodies, logs, metrics, drift, auth, sealed_keys, served_model, rehearsal, rulebook, follower, judge, recorder,
observer, check, forms, callbacks, akismet, api, labelling, description, catalogues, processing, moderation, app,
deadline, gateway, worker, job_process, schedule, webhook, delivery, revision, courier, courier_process, upkeep,
server, options, refusals, messages, learning, staff, sites, privacy, offline, job, demo, cli.
"""
