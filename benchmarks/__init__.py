"""How fast the library is, and its peers in the same run. By hand: `make bench`."""
