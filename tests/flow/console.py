"""A program on a terminal of its own, as somebody at a console: console.py LOG STEP... -- PROGRAM ARGUMENT...

    wait SECONDS ERE    the output, which LOG gets whole, has a match behind what was waited for before
    send TEXT           a line typed
    enter SECONDS ERE   as wait, and Enter is pressed every second: who asks for it may throw away what was typed before
    end SECONDS         the program ends by itself; its exit status is printed
    run COMMAND         a bash command of the host's, that must succeed

Exit status 0 when all steps were reached. The program itself is left as it is, unless it ended."""
import os, pty, re, select, subprocess, sys, time


def main():
    log, words = sys.argv[1], sys.argv[2:]
    cut = words.index("--")
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(words[cut + 1], words[cut + 1:])
    said, at, ended = b"", 0, None
    out = open(log, "wb", buffering=0)

    def more():
        nonlocal said, ended
        ready, _, _ = select.select([fd], [], [], 0.1)
        if not ready:
            return
        try:
            piece = os.read(fd, 65536)
        except OSError:
            piece = b""
        if piece:
            out.write(piece)
            said += piece
        elif ended is None:
            ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    for step in words[:cut]:
        what, _, rest = step.partition(" ")
        if what == "send":
            os.write(fd, rest.encode() + b"\n")
            continue
        if what == "run":
            if subprocess.run(["bash", "-c", rest], stdin=subprocess.DEVNULL).returncode != 0:
                sys.exit("failed: " + rest)
            continue
        seconds, _, ere = rest.partition(" ")
        until = time.monotonic() + float(seconds)
        pressed = 0.0
        while True:
            if what == "enter" and ended is None and time.monotonic() - pressed > 1:
                os.write(fd, b"\n")
                pressed = time.monotonic()
            found = re.compile(ere.encode()).search(said, at) if what in ("wait", "enter") else None
            if found or (what == "end" and ended is not None):
                at = found.end() if found else at
                break
            if ended is not None or time.monotonic() > until:
                sys.exit("not reached: " + step + ("" if ended is None else f" (it ended with {ended})"))
            more()
    if ended is not None:
        print(ended)


main()
