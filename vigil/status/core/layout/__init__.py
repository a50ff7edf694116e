"""Layout of readers' pages: the document around what a page says, and its look."""
