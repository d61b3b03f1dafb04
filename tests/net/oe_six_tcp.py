"""oe_six_tcp.py - a TCP stream there and back over IPv6: "echo ADDRESS [FILE]" keeps what it got in FILE, "send ADDRESS FILE SECONDS" succeeds if all came back"""
import socket
import sys
import threading

PORT = 7777


def echo(address, path='/dev/null'):
    listener = socket.create_server((address, PORT), family=socket.AF_INET6)
    print('ready', flush=True)
    while True:
        peer, _ = listener.accept()
        with peer, open(path, 'wb', buffering=0) as f:
            while data := peer.recv(65536):
                f.write(data)
                peer.sendall(data)


def send(address, path, seconds):
    with open(path, 'rb') as f:
        sent = f.read()
    s = socket.create_connection((address, PORT), float(seconds))

    def there():
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)

    t = threading.Thread(target=there)
    t.start()
    back = b''
    while data := s.recv(65536):
        back += data
    t.join()
    return back == sent


if sys.argv[1] == 'echo':
    echo(*sys.argv[2:])
sys.exit(not send(*sys.argv[2:]))
