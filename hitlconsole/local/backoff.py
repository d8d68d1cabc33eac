"""How long to wait before a process that died is started again."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
FORGIVEN_AFTER = 60.0


class Backoff:
    """Pauses of 1, 2, 4 ... 30 seconds; who lived for a minute starts again at 1."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def pause(self, lived: float) -> float:
        if lived >= FORGIVEN_AFTER:
            self._next = FIRST_PAUSE
        pause = self._next
        self._next = min(pause * 2, LONGEST_PAUSE)
        return pause
