"""Signing in by providers of OpenID Connect, and signing out with them.

Its library takes half a second and 14 MB to load: nobody imports this room who has no provider.
"""
