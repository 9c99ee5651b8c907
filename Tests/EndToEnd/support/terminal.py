"""A program on a pseudo-terminal, and the screen that a person would see."""

import os
import threading
import time

import pexpect
import pyte

ROWS = 40


class Terminal:
    """Starts a command on a terminal of its own; what it draws is kept as bytes and as a screen."""

    def __init__(self, command, environment, columns=80):
        self.screen = pyte.Screen(columns, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.lock = threading.Lock()
        self.bytes = b""
        self.child = pexpect.spawn(
            str(command[0]), [str(word) for word in command[1:]], env={"TERM": "xterm-256color", **environment},
            dimensions=(ROWS, columns), timeout=60,
        )  # fmt: skip
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            try:
                data = os.read(self.child.child_fd, 65536)
            except OSError:
                return  # Nobody writes any more.
            if not data:
                return
            with self.lock:
                self.bytes += data
                self.stream.feed(data)

    @property
    def lines(self):
        """The screen's rows, down to the last one with something on it."""
        with self.lock:
            rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def live(self):
        """The row with the cursor, which must be the last one with something on it."""
        with self.lock:
            rows = [row.rstrip() for row in self.screen.display]
            place = self.screen.cursor.y
        assert not any(rows[place + 1 :]), rows
        return rows[place]

    def colours(self, word):
        """The colours in which the first occurrence of a word stands."""
        with self.lock:
            for place, row in enumerate(self.screen.display):
                if word in row:
                    start = row.index(word)
                    return {self.screen.buffer[place][column].fg for column in range(start, start + len(word))}
        return set()

    def resize(self, columns):
        with self.lock:
            self.screen.resize(columns=columns)
            self.screen.cursor.x = min(self.screen.cursor.x, columns - 1)
            self.child.setwinsize(ROWS, columns)

    def send(self, text):
        os.write(self.child.child_fd, text.encode())

    def wait(self, condition, seconds=30):
        """Waits until a condition of the screen holds, and gives what it gave."""
        deadline = time.monotonic() + seconds
        while True:
            if found := condition():
                return found
            assert time.monotonic() < deadline, "\n".join(self.lines)
            time.sleep(0.02)

    def end(self, seconds=60):
        """Waits for the end of the command, and gives its exit code."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "\n".join(self.lines)
        self.child.wait()
        return self.child.exitstatus

    def close(self):
        if self.child.isalive():
            self.child.kill(9)
            self.child.wait()
        self.thread.join(10)
        self.child.close()
