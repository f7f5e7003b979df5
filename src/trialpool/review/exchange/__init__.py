"""Import from and export to the formats of other tools.

`formats` is the register, one line per format; each format is a module or a folder of modules.
"""
