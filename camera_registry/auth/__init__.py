"""People who sign in: who they are, what they may do, and the ``Scope`` of what they may see."""
