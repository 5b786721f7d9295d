"""File capabilities, against what setcap writes."""

import struct

import pytest

from stackbuild.layer.capabilities import NUMBERS, encode


def test_the_attribute_is_the_kernels():
    # what `setcap cap_net_bind_service+ep` writes: revision 2, effective, bit 10 permitted
    assert encode("cap_net_bind_service+ep").hex() == "0100000200040000000000000000000000000000"
    assert encode("cap_net_raw,cap_net_admin=p").hex() == "0000000200300000000000000000000000000000"


def test_capabilities_above_31_are_in_the_high_words():
    assert struct.unpack("<IIIII", encode("cap_bpf+ei")) == (
        0x02000001,
        0,
        0,
        0,
        1 << (NUMBERS["cap_bpf"] - 32),
    )
    assert NUMBERS["cap_checkpoint_restore"] == 40


@pytest.mark.parametrize(
    "text", ["", "cap_chown", "cap_chown+x", "net_raw+ep", "cap_net_rww+ep", "+ep", "all=ep"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        encode(text)
