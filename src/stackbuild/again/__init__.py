"""A build that would do nothing is answered from a saved answer, if all that it looked at is as it was.

Everything here is on the way of every start, and so imports next to nothing. What an answer says is decided
where it is saved (`stackbuild.deliver.keeping`); here nobody knows what a flag means.
"""
