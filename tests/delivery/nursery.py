"""A warm process that gives birth to senders, one for each line that it reads.

Each sender is a process of its own, with connections of its own, as a worker is; but it need not
start for seconds only to be killed. It answers with the sender's process id and, once that one
has ended, with how it ended (as subprocess's return codes: -9 for a SIGKILL).
"""

import os
import sys

import django

django.setup()  # what is imported below needs the apps

from approvals.notifications.outbox import run_outbox  # noqa: E402


def main() -> None:
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run_outbox()
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
