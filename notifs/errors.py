"""Every error that notifs raises on purpose, in one tree.

    NotifsError
    ├── BadRequest                  400  the call itself is wrong
    │   ├── InvalidNotification     422  the notification's fields are wrong
    │   ├── IdempotencyConflict     422  the key was used for another request
    │   ├── InvalidCursor           400  not a cursor, or one of another life of the database
    │   └── InvalidUntil            400  not a moment until which something can be snoozed
    ├── NotSignedIn                 401  nobody, or a session that has ended
    ├── BadCredentials              401  email or password is wrong
    ├── InvalidKey                  401  no API key, an unknown one, or a revoked one
    ├── InvalidToken                401  a host's token that is not believed, or not any more
    ├── SignInRefused               403  a provider has sent somebody whom it does not let in here
    ├── Forbidden                   403  not from here, not by you
    ├── OutOfScope                  403  not with this API key
    ├── NotFound                    404  no such thing, or not yours
    ├── ChangedMeanwhile            412  it is not any more what you have read
    ├── TooLarge                    413  over its bound
    ├── TooManyTries                429  wait, then try again
    ├── TooManyRequests             429  this API key, or network, has none left just now
    ├── TooManySockets              429  close one of yours, or wait, then try again
    ├── TooManySearches             429  wait for one of yours to end, then search again
    ├── SettingsError                    the settings do not allow a start
    ├── SchemaError                      the database has another schema than this code
    ├── Unreachable                 503  `notifs.client` got no answer
    ├── ProviderUnavailable         503  a provider of sign-ins does not answer as it should
    ├── Busy                        503  too many wait here already; wait, then try again
    ├── Restarting                  503  this worker stops; another one, or the next, will do it
    └── StoreUnavailable            503  the database cannot be reached, is too busy, or full

`code` is stable and meant for programs; the message says what was wrong and what to do, and is safe to show.
"""


class NotifsError(Exception):
    """The root: catch this to catch all of them."""

    code: str = "error"
    status: int = 500

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status


class BadRequest(NotifsError):
    """The call itself is wrong: an unknown event, a missing field, a wrong type."""

    code = "bad_request"
    status = 400


class InvalidNotification(BadRequest):
    """A notification that breaks its bounds; nothing was written."""

    code = "invalid_notification"
    status = 422


class IdempotencyConflict(BadRequest):
    """An idempotency key that stands for another request already; nothing was written."""

    code = "idempotency_key_reused"
    status = 422


class InvalidCursor(BadRequest):
    """Not a cursor of this database."""

    code = "invalid_cursor"


class InvalidUntil(BadRequest):
    """Not a moment until which something can be snoozed."""

    code = "invalid_until"


class NotSignedIn(NotifsError):
    """No session, an unknown one, or one that has ended."""

    code = "not_signed_in"
    status = 401


class BadCredentials(NotifsError):
    """Email or password is wrong; which of them is not told."""

    code = "bad_credentials"
    status = 401


class InvalidKey(NotifsError):
    """No API key, an unknown one, or one that was revoked."""

    code = "invalid_key"
    status = 401
    challenge = "Bearer"
    """How to prove who you are (RFC 9110, section 11.6.1)."""


class InvalidToken(NotifsError):
    """A token of the host's that is not believed here, or, `token_expired`, not any more."""

    code = "invalid_token"
    status = 401
    challenge = 'Bearer error="invalid_token"'
    """How to prove who you are (RFC 6750, section 3)."""


class SignInRefused(NotifsError):
    """A sign-in by a provider that lets nobody in: not begun here, not to be believed, or of nobody known."""

    code = "sign_in_refused"
    status = 403


class Forbidden(NotifsError):
    """A request from another site, or one that this person may not make."""

    code = "forbidden"
    status = 403


class OutOfScope(NotifsError):
    """The API key is good, but not for this; the message says which scope, kind or topic is missing."""

    code = "out_of_scope"
    status = 403


class NotFound(NotifsError):
    """There is no such thing, or it belongs to somebody else: the answer is the same."""

    code = "not_found"
    status = 404


class ChangedMeanwhile(NotifsError):
    """Somebody has changed it since it was read: read it again, then decide."""

    code = "changed_meanwhile"
    status = 412


class TooLarge(NotifsError):
    """Over its bound."""

    code = "too_large"
    status = 413


class TooManyTries(NotifsError):
    """Too many tries in a short time."""

    code = "too_many_tries"
    status = 429

    def __init__(self, message: str, *, retry_after: int, per: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds until a try can succeed again."""
        self.per = per
        """What they were counted by: `account`, `browser`, `browsers` (all of an account's) or `network`."""


class TooManyRequests(NotifsError):
    """More requests than one API key may make in a minute, or than one network may without a good key."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds until the next one may succeed."""


class TooManySockets(NotifsError):
    """This person, or this network, has as many sockets open as one may have, or opens them too often."""

    code = "too_many_sockets"
    status = 429

    def __init__(self, message: str, *, code: str | None = None, retry_after: int = 10) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        """Seconds until the next one may succeed."""


class TooManySearches(NotifsError):
    """This person has as many searches under way, or waiting, as one may have."""

    code = "too_many_searches"
    status = 429
    retry_after = 1


class Unreachable(NotifsError):
    """The client got no answer until its deadline: nobody knows whether it was done.

    An idempotency key makes it safe to call again.
    """

    code = "unreachable"
    status = 503


class ProviderUnavailable(NotifsError):
    """A provider of sign-ins does not answer, or not as it should; the other ways to sign in are open."""

    code = "provider_unavailable"
    status = 503
    retry_after = 10


class Busy(NotifsError):
    """This worker has as much to do as anybody would wait for: nothing was done."""

    code = "busy"
    status = 503
    retry_after = 5


class Restarting(NotifsError):
    """This worker was told to stop and takes nobody in any more."""

    code = "restarting"
    status = 503
    retry_after = 1


class SettingsError(NotifsError):
    """The settings do not allow a start; the message names the variable and the cure."""

    code = "settings"


class SchemaError(NotifsError):
    """The database's schema is not the one that this code needs."""

    code = "schema"


class StoreUnavailable(NotifsError):
    """The database cannot be reached, is too busy, or full: nothing was acknowledged.

    Nothing was written either, unless the link to PostgreSQL broke just while it was committed. An idempotency key
    makes it safe to try again.
    """

    code = "store_unavailable"
    status = 503

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
