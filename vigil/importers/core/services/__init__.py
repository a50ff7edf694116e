"""Hosted monitoring services: their monitors by the attributes that their API and their Terraform provider share."""
