"""A terminal: `terminal.py command args`. Each line of standard input is one thing that somebody does at it: `type TEXT` (\\x03 is Ctrl-C), `close`."""
import os, pty, select, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

typing, shown = sys.stdin.fileno(), True
while shown:
    ready, _, _ = select.select([terminal, typing], [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            data = b""
        shown = bool(data)
        os.write(1, data)
    if typing in ready:
        line = os.read(typing, 4096).decode()
        for done in line.splitlines():
            if done == "close":
                os.close(terminal)
                shown = False
                break
            os.write(terminal, done.removeprefix("type ").encode().decode("unicode_escape").encode())

_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
