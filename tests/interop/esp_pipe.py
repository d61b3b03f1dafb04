"""esp_pipe.py - our ESP in a process of its own (esp_pipe.c), asked by lines"""
import subprocess


class Pipe:
    def __init__(self, program):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().strip()
