"""File capabilities as the kernel stores them in the extended attribute security.capability.

Source: linux/capability.h, struct vfs_cap_data, revision 2; text form of cap_from_text(3).
"""

from __future__ import annotations

import re
import struct

XATTR = "security.capability"

_NAMES = """
chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot
sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease
audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read
perfmon bpf checkpoint_restore
"""
NUMBERS = {f"cap_{name}": number for number, name in enumerate(_NAMES.split())}

_CLAUSE = re.compile(r"([a-z_,]+)[+=]([eip]+)\Z")
_REVISION_2 = 0x02000000
_EFFECTIVE = 1


def encode(text: str) -> bytes:
    """The attribute's value for "cap_net_bind_service+ep" (several clauses apart by spaces).

    Raises ValueError for text of another form or an unknown capability.
    """
    permitted = inheritable = effective = 0
    for clause in text.split():
        found = _CLAUSE.match(clause)
        if not found:
            raise ValueError(f"'{clause}' is not a capability; write cap_NAME+ep")
        bits = 0
        for name in found[1].split(","):
            if name not in NUMBERS:
                from ..errors import nearest

                raise ValueError(f"unknown capability '{name}'; {nearest(name, NUMBERS)}")
            bits |= 1 << NUMBERS[name]
        permitted |= bits if "p" in found[2] else 0
        inheritable |= bits if "i" in found[2] else 0
        effective |= bits if "e" in found[2] else 0
    if not text.split():
        raise ValueError("an empty capability; write cap_NAME+ep")
    low = 0xFFFFFFFF
    magic = _REVISION_2 | (_EFFECTIVE if effective else 0)
    return struct.pack(
        "<IIIII", magic, permitted & low, inheritable & low, permitted >> 32, inheritable >> 32
    )
