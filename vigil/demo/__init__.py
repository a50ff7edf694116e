"""Demo: a fake provider, a webhook receiver, and a scripted outage that Vigil must detect."""
