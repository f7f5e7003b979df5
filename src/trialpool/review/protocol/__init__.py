"""The protocol: what is asked, as typed specifications."""
