"""Webhooks: from headers and a body to what may have changed. A webhook makes rounds due, and nothing else.

Who sends it has to prove it (`verify`); what is said is read as each product documents it (`registries`, `forges`);
which targets it is about is found by their git repos (`match`). None of it opens a connection.
"""
