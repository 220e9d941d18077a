"""Line tables of the standard library's functions and the lines that CPython itself finds in them: the oracle of pythonLines.test.ts."""
import ctypes
import json
import os
import sys
import types

addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.argtypes = [ctypes.py_object, ctypes.c_int]
addr2line.restype = ctypes.c_int

BIG = int(sys.argv[1])


def tell(code):
    lines = [addr2line(code, at) for at in range(0, len(code.co_code), 2)]
    table = code.co_lnotab if sys.version_info < (3, 10) else code.co_linetable
    print(json.dumps([code.co_firstlineno, table.hex(), lines]))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            tell(constant)


print(json.dumps(sys.hexversion))
folder = os.path.dirname(os.__file__)
names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
for name in names[:: 1 if BIG else 12]:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        tell(compile(file.read(), name, "exec"))
# Without lines, backwards, far apart, past 65,535.
odd = "\n" * 70000 + "def f(a):\n  try:\n    with a as b:\n      return [x for x in\n  b]\n  finally:\n    a(\n1,\n" + "\n" * 900 + "2)\n"
tell(compile(odd, "odd", "exec"))
