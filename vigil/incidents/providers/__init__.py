"""Providers' incidents beside their own word: detection leads."""
