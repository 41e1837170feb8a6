"""moto as a server that ends with whoever started it: its standard input is a pipe that closes then."""
import os
import sys
import threading

from moto import backends
from moto.server import main

# It reads the folder of its services with each request: a quarter of the time that it takes for one.
services = list(backends.list_of_moto_modules())
backends.list_of_moto_modules = lambda: services


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
main(["-H", "127.0.0.1", "-p", "0"])
