"""Which studies a pooled effect hangs on, and whether small studies tell another story."""
