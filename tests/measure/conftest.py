from __future__ import annotations

from hypothesis import settings

# The first example of a test pays for importing scipy; how long an example takes is no promise of ours.
settings.register_profile("measure", deadline=None)
settings.load_profile("measure")
