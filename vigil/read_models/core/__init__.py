"""Pure parts of the read models: shown states, why-lines, strips, figures in words, and the overview's query."""
