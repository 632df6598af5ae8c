"""Who lives in a household: users, their wishes and tariffs; experiments and who takes part.

A user is a site of the registry with the user's id as its key. A user's token is an API key limited to that site.
Entry point: `service.Accounts`.
"""
