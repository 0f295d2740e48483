"""The one exception that speaks to the user."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence: what is wrong, where, and what to do. The command line prints it
    without a traceback.
    """
