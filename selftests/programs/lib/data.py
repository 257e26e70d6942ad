# SPDX-License-Identifier: GPL-2.0
"""The octets that programs move, and whether the same ones arrived."""

import hashlib
import os
import random
import stat

from .hosts import STOCK, Fail

MB = 1000 * 1000
BLOCK = 1 << 16


def amount(stock, slow):
    """How much of something is to be done: the sanitizer kernel is ten times as slow."""
    return stock if STOCK else slow


def blocks(size, seed):
    """@size octets in blocks, each of which begins with its number: none is like another."""
    base = random.Random(seed).randbytes(BLOCK)
    for number in range(0, size, BLOCK):
        yield (number.to_bytes(8, "big") + base[8:])[:size - number]


def make_file(path, size, seed=1):
    """Write a file of @size octets."""
    with open(path, "wb") as file:
        for block in blocks(size, seed):
            file.write(block)


def digest(path):
    """SHA-256 of the file @path."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def compare(got, sent):
    """Two files have the same octets; else where the first difference is.

    Each octet is looked at: that is stricter than a hash, and in an emulated guest ten times
    as fast.
    """
    name, position = os.path.basename(got), 0
    with open(got, "rb") as left, open(sent, "rb") as right:
        while True:
            one, other = left.read(BLOCK), right.read(BLOCK)
            if one != other:
                position += len(os.path.commonprefix((one, other)))
                raise Fail(f"{name}: {os.path.getsize(got)} octets, sent were "
                           f"{os.path.getsize(sent)}, and they differ at {position}")
            if not one:
                return
            position += len(one)


def make_tree(path, files, seed=1):
    """Directories with @files files of all sizes, modes and times, and links between them."""
    pick = random.Random(seed)
    total = 0
    for number in range(files):
        folder = os.path.join(path, *(f"d{pick.randrange(3)}" for _ in range(number % 4)))
        os.makedirs(folder, exist_ok=True)
        file = os.path.join(folder, f"file {number}")
        size = pick.choice((0, 1, pick.randrange(5000), pick.randrange(200000)))
        make_file(file, size, pick.random())
        total += size
        os.chmod(file, pick.choice((0o600, 0o644, 0o755)))
        os.utime(file, (pick.randrange(1 << 30),) * 2)
        if number % 10 == 9:
            os.symlink(f"file {number}", file + " link")
    return total


def tree(path):
    """All that is below @path, as a dictionary that can be compared."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(folder, name)
            facts = os.lstat(full)
            if stat.S_ISLNK(facts.st_mode):
                what = os.readlink(full)
            elif stat.S_ISREG(facts.st_mode):
                what = (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns, digest(full))
            else:
                what = "directory"
            found[os.path.relpath(full, path)] = what
    return found
