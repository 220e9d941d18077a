# Speaks over sockets exactly as a test says, one command a line on standard input, one answer a line on standard output: so a test
# decides which bytes go through which system call, and when. Connections and listeners have names.
import base64, ctypes, json, os, socket, struct, sys, threading, time

sockets = {}
files = []


def text(data):
    return base64.b64encode(data).decode()


def pieces(values):
    return [base64.b64decode(value) for value in values]


def whole(sock, data):
    while data:
        data = data[sock.send(data):]


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr: sendmmsg(2)."""
    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint), ("vectors", ctypes.POINTER(Vector)), ("count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t), ("flags", ctypes.c_int), ("end", ctypes.c_int), ("passed", ctypes.c_uint)]


libc = ctypes.CDLL(None, use_errno=True)


def messages(buffers):
    """One for each of the buffers, in one array; and what keeps them alive."""
    vectors = [(Vector * 1)(Vector(ctypes.addressof(buffer), len(buffer))) for buffer in buffers]
    array = (Message * len(buffers))()
    for message, vector in zip(array, vectors):
        message.vectors, message.count = vector, 1
    return array, vectors


def run(what, name, *args):
    if what == "listen":
        family = socket.AF_INET6 if args[0] == "::1" else socket.AF_INET
        listener = sockets[name] = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((args[0], 0))
        listener.listen()
        return listener.getsockname()[1]
    if what == "listenUnix":
        listener = sockets[name] = socket.socket(socket.AF_UNIX)
        listener.bind(args[0].replace("@", "\0", 1))
        listener.listen()
        return None
    if what == "accept":
        sockets[name] = sockets[args[0]].accept()[0]
        sockets[name].settimeout(20)
        return None
    if what == "connect":
        sockets[name] = socket.create_connection((args[0], args[1]), 20)
        return None
    if what == "connectUnix":
        sockets[name] = socket.socket(socket.AF_UNIX)
        sockets[name].connect(args[0].replace("@", "\0", 1))
        return None
    if what == "dup":
        sockets[name] = sockets[args[0]].dup()
        return None
    if what == "fork":
        # The child alone goes on with this connection: answers by a pipe's end are not needed, so it just plays its part.
        pid = os.fork()
        if pid == 0:
            for command in args[0]:
                run(*command)
            os._exit(0)
        os.waitpid(pid, 0)
        return None
    if what == "all":
        return [run(*command) for command in args[0]]
    sock = sockets[name]
    if what == "recv":
        return text(sock.recv(args[0]))
    if what == "exactly":
        data = b""
        while len(data) < args[0]:
            data += sock.recv(args[0] - len(data))
        return text(data)
    if what == "waitall":
        return text(sock.recv(args[0], socket.MSG_WAITALL))
    if what == "peek":
        return text(sock.recv(args[0], socket.MSG_PEEK))
    if what == "trunc":
        return len(sock.recv(args[0], socket.MSG_TRUNC))
    if what == "read":
        return text(os.read(sock.fileno(), args[0]))
    if what == "readv":
        buffers = [bytearray(length) for length in args[0]]
        count = os.readv(sock.fileno(), buffers)
        return text(b"".join(buffers)[:count])
    if what == "recvmsg":
        buffers = [bytearray(length) for length in args[0]]
        count = sock.recvmsg_into(buffers)[0]
        return text(b"".join(bytes(buffer) for buffer in buffers)[:count])
    if what == "recvmmsg":
        buffers = [ctypes.create_string_buffer(length) for length in args[0]]
        array, _ = messages(buffers)
        # Waits for the first alone (MSG_WAITFORONE).
        count = libc.recvmmsg(sock.fileno(), array, len(buffers), 0x10000, None)
        return text(b"".join(buffer.raw[:message.passed] for buffer, message in zip(buffers, array[:count])))
    if what == "send":
        whole(sock, base64.b64decode(args[0]))
    elif what == "more":
        sock.send(base64.b64decode(args[0]), socket.MSG_MORE)
    elif what == "write":
        os.write(sock.fileno(), base64.b64decode(args[0]))
    elif what == "writev":
        os.writev(sock.fileno(), pieces(args[0]))
    elif what == "sendmsg":
        sock.sendmsg(pieces(args[0]))
    elif what == "sendmmsg":
        buffers = [ctypes.create_string_buffer(piece, len(piece)) for piece in pieces(args[0])]
        array, _ = messages(buffers)
        return libc.sendmmsg(sock.fileno(), array, len(buffers), 0)
    elif what == "bytewise":
        for byte in base64.b64decode(args[0]):
            sock.send(bytes([byte]))
    elif what == "sendfile":
        with open(args[0], "rb") as source:
            left = os.fstat(source.fileno()).st_size
            while left:
                left -= os.sendfile(sock.fileno(), source.fileno(), None, left)
    elif what == "splice":
        # From this connection to another one, through a pipe.
        out, into = os.pipe()
        left = args[1]
        while left:
            count = os.splice(sock.fileno(), into, left)
            left -= count
            while count:
                count -= os.splice(out, sockets[args[0]].fileno(), count)
        os.close(out)
        os.close(into)
    elif what == "shutdown":
        sock.shutdown(socket.SHUT_WR)
    elif what == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    elif what == "close":
        sock.close()
    else:
        raise ValueError(what)
    return None


print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(run(*json.loads(line))), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
