"""Tries a policy on what happened, or might: a scenario goes through the real judge in virtual time.

``scenario`` reads what a person wrote, ``playing`` has it judged in a throw-away database, ``answers`` prints
what was concluded.
"""
