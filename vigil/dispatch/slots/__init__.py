"""Slots of a dispatcher: what is due in each second, and the canaries that are paid for."""
