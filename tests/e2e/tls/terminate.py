"""Terminates TLS before a server of the tests: python terminate.py PORT. Says on which port it listens; ends with its standard input.

The certificate beside it is for 127.0.0.1, signed by itself and in every checkout: nobody but a browser that is told to may trust it.
"""

import pathlib
import socket
import ssl
import sys
import threading

HERE = pathlib.Path(__file__).parent


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(plain, context, target):
    try:
        client = context.wrap_socket(plain, server_side=True)
        server = socket.create_connection(("127.0.0.1", target))
    except OSError:
        plain.close()
        return
    threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
    pass_on(client, server)


def accept(listener, target):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], context, target), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=accept, args=(listener, int(sys.argv[1])), daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
