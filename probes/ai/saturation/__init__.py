"""Saturation and progress of model servers: the page of metrics, the sample on it, and the judgement of several."""
