"""Runs the attacks, each on a node of its own, and prints which ones AnonChat withstood. See script/attack."""

import argparse
import os
import sys
import time
import traceback

from attacks import ATTACKS
from node import Node


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of those to run; all if none is given")
    wanted = parser.parse_args().names
    stacks = [False] + [True] * ("TEST_MONGO_URI" in os.environ and "TEST_REDIS_URL" in os.environ)
    succeeded = 0
    ran = 0
    for services in stacks:
        print(f"\n==> {'MongoDB and Redis' if services else 'SQLite, everything in one process'}", flush=True)
        for attack, settings in ATTACKS:
            name = attack.__name__.replace("_", " ")
            if wanted and not any(part.replace("_", " ") in name for part in wanted):
                continue
            ran += 1
            start = time.time()
            held, what = try_one(attack, services, settings)
            succeeded += not held
            print(f"{'held' if held else 'BROKE':5} {time.time() - start:5.0f} s  {name}: {what}", flush=True)
    print(f"\n{ran} attacks, {succeeded} succeeded")
    sys.exit(succeeded > 0 or ran == 0)


def try_one(attack, services, settings):
    node = Node(services, **settings)
    try:
        return attack(node)
    except Exception:  # An attack that breaks off shows nothing, and counts as one that succeeded.
        return False, f"it broke off:\n{traceback.format_exc()}"
    finally:
        node.stop()


if __name__ == "__main__":
    main()
