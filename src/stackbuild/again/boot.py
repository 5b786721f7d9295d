"""Which run of the machine this is: what no disk was waited for holds as long as it lasts, kills or not."""

from __future__ import annotations


def boot_id() -> str:
    """A name for the time since the machine was started; "" where the system has none.

    Linux: random(4), /proc/sys/kernel/random/boot_id.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
