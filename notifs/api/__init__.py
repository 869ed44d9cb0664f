"""The producers' API: every endpoint is declared once, and routes and the OpenAPI document are made of that."""
