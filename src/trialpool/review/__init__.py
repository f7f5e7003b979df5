"""From a protocol and clean records to the results of each analysis."""
