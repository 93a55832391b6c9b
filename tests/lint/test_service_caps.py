#!/usr/bin/python3
"""The systemd unit lets chaosd keep every capability that chaosd/caps.c keeps: a missing one breaks a fault kind on
installed systems only, where no other test looks."""
import re
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent


def main():
    kept = re.search(r"kept\[\] = \{(.*?)\};", (SOURCE / "chaosd/caps.c").read_text(), re.S)
    wanted = set(re.findall(r"\bCAP_[A-Z_]+", kept.group(1))) if kept else set()
    unit = (SOURCE / "deploy/systemd/chaosd.service").read_text()
    allowed = set(re.findall(r"CAP_[A-Z_]+", " ".join(re.findall(r"^CapabilityBoundingSet=(.*)$", unit, re.M))))
    missing = sorted(wanted - allowed)
    print(f"{len(wanted)} capabilities are kept, {len(missing)} of them are missing from the unit: {' '.join(missing)}")
    return 1 if missing or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
