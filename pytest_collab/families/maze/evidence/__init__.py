"""What went wrong between the seats, each finding with the events that show it; one module a kind of evidence.

Every function looks for one kind of fault in a `Case` and returns the failures it can prove, or nothing. The order
in which they are asked, and with it which of them becomes the headline, is `verdict`'s affair.
"""
