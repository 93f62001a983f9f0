"""What runs in the user's interpreter: this folder is put on its path, and nothing else of ours.

`ava_gate` uses the standard library and the user's pytest alone, on Python 3.9 and newer, and never
imports the rest of this distribution: the project under test may have other versions of everything.
"""
