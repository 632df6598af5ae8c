"""What OAuth 2.0 says to a request, by oauthlib: decided on what was read before, for `service` to write down.

This module is loaded by the first request for a token: oauthlib takes longer to import than a server's start has to spare.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from oauthlib.common import Request, extract_params
from oauthlib.oauth2 import BackendApplicationServer, MetadataEndpoint, RequestValidator
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error

from wattline.identity.oauth.model import Client, Token
from wattline.identity.secret import digest
from wattline.model.clock import SECOND
from wattline.model.principal import JOULEPOINT

URI = "https://wattline/oauth"
"""Stands for the request's own address, of which only the presence of a query matters."""
FORM = "application/x-www-form-urlencoded"
CHALLENGE = 'Basic realm="oauth", charset="UTF-8"'
# At its debug level it tells tokens.
logging.getLogger("oauthlib").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to be sent as it is."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """A request to one of the endpoints, read: who says to send it, with what secret, and its parameters.

    `refused` is set where the request itself is wrong; nothing else then counts.
    """

    body: str
    authorization: str | None
    query: bool
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    refused: Answer | None = None


def read(body: bytes, content_type: str | None, authorization: str | None, *, query: bool) -> Asked:
    """Read a request. The client authenticates in the header or in the body, not in both (RFC 6749 2.3.1)."""
    text = body.decode("ascii", "replace")
    found = extract_params(text)
    wrong = None
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        wrong = f"the body is sent as {FORM}"
    elif found is None:
        wrong = "the body is not form-encoded"
    elif len({name for name, _ in found}) < len(found):
        wrong = "a parameter is given more than once"
    parameters = {name: value for name, value in found or () if value}
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    refused = None
    if authorization is not None:
        if secret is not None:
            wrong = wrong or "the client authenticates in the header or in the body, not in both"
        name, secret = _basic(authorization)
        if name is None or client_id not in (None, name):
            refused = told(InvalidClientError())
        client_id = name
    if wrong is not None:
        refused = told(InvalidRequestError(description=wrong))
    # A parameter without a value counts as none (RFC 6749 3.2).
    return Asked(urlencode(parameters), authorization, query, client_id, secret, parameters.get("token"), refused)


def refused_client() -> Answer:
    """The answer to a client that is unknown, or has not the secret, or no longer."""
    return told(InvalidClientError())


def _basic(text: str) -> tuple[str | None, str | None]:
    """The id and the secret of an `Authorization` header, which were form-encoded before (RFC 6749 2.3.1)."""
    kind, _, held = text.strip().partition(" ")
    try:
        name, colon, secret = base64.b64decode(held.strip(), validate=True).decode().partition(":")
    except ValueError:  # of base64, and of UTF-8
        return None, None
    return (unquote_plus(name), unquote_plus(secret)) if kind.lower() == "basic" and colon else (None, None)


def told(error: OAuth2Error) -> Answer:
    """An error as RFC 6749 5.2 writes it."""
    headers = {"WWW-Authenticate": CHALLENGE} if error.status_code == 401 else {}
    body = {"error": error.error} | ({"error_description": error.description} if error.description else {})
    return Answer(error.status_code, json.dumps(body), headers)


class Rules(RequestValidator):
    """Decides one request, for the client that it names and the token that it is about, as they were read.

    `issued` holds what is to be written afterwards: the text of a new token and its scopes. `ended` says that the token is to
    be revoked.
    """

    def __init__(self, client: Client | None, token: Token | None, secret: str | None, new_text: str, now: int) -> None:
        super().__init__()
        self._client = client
        self._token = token
        self._digest = None if secret is None else digest(secret.encode(errors="replace").decode())
        self._now = now
        self.issued: tuple[str, frozenset[str], int] | None = None
        self.ended = False
        self.server = BackendApplicationServer(self, token_generator=lambda request: new_text)
        # A hint of another kind of token is no reason to refuse (RFC 7009 2.1): the token is looked for all the same.
        self.server.supported_token_types = ("access_token", "refresh_token")

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        return True

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        if self._client is None or self._digest is None:
            return False
        live = self._client.live_secrets(self._now)
        # Every one is compared, so that the time tells nothing.
        if sum(hmac.compare_digest(secret.digest, self._digest) for secret in live) == 0:
            return False
        request.client = _Named(self._client.id)
        request.client_id = self._client.id
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: object, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type == "client_credentials"

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return [] if self._client is None else sorted(self._client.scopes)

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: object, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if self._client is None or not scopes or not self._client.scopes.issuperset(scopes):
            return False
        request.scopes = sorted(set(scopes))
        return True

    def save_bearer_token(self, token: Mapping[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        self.issued = (token["access_token"], frozenset(request.scopes or ()), int(token["expires_in"]) * SECOND)

    def introspect_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> dict[str, Any] | None:
        found, asking = self._token, self._client
        if found is None or asking is None or found.tenant != asking.tenant:
            return None
        return {
            "scope": " ".join(sorted(found.scopes)),
            "client_id": found.client,
            "sub": found.client,
            "token_type": "Bearer",
            "iat": found.issued // SECOND,
            "exp": found.expires // SECOND,
        }

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any) -> None:
        self.ended = self._token is not None and self._client is not None and self._token.client == self._client.id


@dataclass(frozen=True)
class _Named:
    """What oauthlib asks of a client."""

    client_id: str


def decide(rules: Rules, endpoint: str, asked: Asked) -> Answer:
    """What an endpoint (`token`, `introspect`, `revocation`) answers."""
    uri = f"{URI}?query=1" if asked.query else URI
    headers = {} if asked.authorization is None else {"Authorization": asked.authorization}
    create = getattr(rules.server, f"create_{endpoint}_response")
    try:
        told_headers, body, status = create(uri, "POST", asked.body, headers)
    except OAuth2Error as error:
        return told(error)
    if status == 401:
        told_headers = {**told_headers, "WWW-Authenticate": CHALLENGE}
    return Answer(status, body, {name: value for name, value in told_headers.items() if name != "Content-Type"})


def metadata(issuer: str) -> dict[str, Any]:
    """What the server can do (RFC 8414), for callers who know it as `issuer`, such as `https://wattline.example`."""
    claims = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "scopes_supported": sorted(JOULEPOINT),
        "response_types_supported": [],
    }
    server = BackendApplicationServer(RequestValidator())
    # It would insist on https, which a server on a loopback address does not have.
    found: dict[str, Any] = MetadataEndpoint([server], claims, raise_errors=False).claims
    return found
