"""Notices: quiet messages that are no incidents, such as a retirement ahead, a changed price or a drift."""
