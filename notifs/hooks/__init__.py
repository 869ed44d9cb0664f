"""Inbound webhooks: others call `POST /hooks/{name}`, and a source makes notifications of what they say.

A source is one small class with two methods, and goes to `Notifs(sources=[...])`. The built-in ones, `GitHub` and
`Plain`, use the same names as anybody's.
"""

from notifs.hooks.github import GitHub
from notifs.hooks.plain import Plain
from notifs.hooks.source import Hook, Ignored, Notice, Retraction, Revision, Source, Subject, Told

__all__ = ["GitHub", "Hook", "Ignored", "Notice", "Plain", "Retraction", "Revision", "Source", "Subject", "Told"]
