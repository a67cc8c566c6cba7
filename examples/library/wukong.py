#!/usr/bin/env python3
"""libwukong from Python, with nothing but the standard library.

    python3 examples/library/wukong.py target/release/libwukong.so examples/web.yaml

prints the name of each object that the file becomes, or each problem with its place.
"""

import ctypes
import json
import sys


class Error(Exception):
    """What the library answered instead: a message, the way out, and the problems of a text."""

    def __init__(self, status, error):
        super().__init__(error["message"])
        self.status, self.help, self.problems = status, error["help"], error["problems"]


class Wukong:
    """The functions of libwukong. Texts are str; options are keywords; answers are what JSON has."""

    # The texts that each function takes before the options.
    FUNCTIONS = {"validate": 1, "render": 1, "plan": 2, "status": 1, "locate": 1, "migrate_plan": 1, "schema": 0}

    def __init__(self, path="libwukong.so.0"):
        self._library = ctypes.CDLL(path)
        for name, texts in self.FUNCTIONS.items():
            function = getattr(self._library, "wukong_" + name)
            function.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * (texts + 1) + [ctypes.POINTER(ctypes.c_int)]
            # Not c_char_p: Python would copy the text and forget the pointer that has to be released.
            function.restype = ctypes.c_void_p
        self._library.wukong_version.argtypes = [ctypes.POINTER(ctypes.c_int)]
        self._library.wukong_version.restype = ctypes.c_void_p
        self._library.wukong_free.argtypes = [ctypes.c_void_p]
        self._library.wukong_free.restype = None

    def _call(self, name, *texts):
        arguments = []
        for text in texts:
            data = text.encode()
            arguments += [data, len(data)]
        status = ctypes.c_int()
        # ctypes releases the interpreter's lock during the call: threads run side by side.
        answer = getattr(self._library, "wukong_" + name)(*arguments, ctypes.byref(status))
        try:
            value = json.loads(ctypes.string_at(answer))
        finally:
            self._library.wukong_free(answer)
        if status.value != 0:
            raise Error(status.value, value["error"])
        return value

    def version(self):
        return self._call("version")["version"]

    def __getattr__(self, name):
        if name not in self.FUNCTIONS:
            raise AttributeError(name)

        def call(*texts, **options):
            if len(texts) != self.FUNCTIONS[name]:
                raise TypeError(f"{name} takes {self.FUNCTIONS[name]} texts, and options by name")
            return self._call(name, *texts, json.dumps(options))

        return call


def main(library, path):
    wukong = Wukong(library)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        answer = wukong.render(text, name=path)
    except Error as error:
        for problem in error.problems:
            print(f"{problem['file']}:{problem.get('line', 1)}: {problem['code']} {problem['message']}", file=sys.stderr)
        return error.status
    for item in answer["items"]:
        print(f"{item['kind']}/{item['metadata']['name']}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
