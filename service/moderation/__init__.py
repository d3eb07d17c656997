"""What moderators and admins see in their browsers, made on the server with Jinja.

Reading order: paths, access, proxies, sessions, errors, shown, pages, sign_in, open_id, accounts, decisions, queue,
history, variants, why, settings, lists, processing, people, work, card, model, imports.

A page is a class with a ``blueprint()`` and its ``links`` in the navigation. ``create_app`` lists them all, and the
navigation follows that list. Whatever is registered so has a session, form tokens and headers by construction.

- A view that nothing is said about is for admins; ``@needs(Role.MODERATOR)`` and ``@open_to_all`` say otherwise, and
  ``signed_in()`` is the account. What belongs to a site is shown or changed after ``require_site(site)`` only.
- A template extends ``layout.html`` (blocks ``title``, ``head`` and ``content``; ``trouble`` is shown as an error), and
  has ``{{ form_token() }}`` in every form that posts. A script calls ``send`` of ``hamgate.js``, or sends the header
  ``X-Form-Token`` with what the page's ``<meta name="form-token">`` says. Errors reach it as problem documents.
- The policy of the headers forbids inline scripts and styles: what is needed goes to ``static/``.
- A path that begins with none of ``paths.PAGES`` is added there, since requests for pages may wait for the database,
  and so have threads of their own.
"""
