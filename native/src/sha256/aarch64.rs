//! SHA-256 by the SHA2 instructions of ARMv8.

use super::{BLOCK, K};
use std::arch::aarch64::*;
use std::arch::asm;

/// Whether this processor has them.
pub fn available() -> bool {
    std::arch::is_aarch64_feature_detected!("sha2")
}

/// std has these instructions as functions only after 1.63.
macro_rules! instruction {
    ($name:ident, $text:literal) => {
        #[inline]
        #[target_feature(enable = "neon,sha2")]
        unsafe fn $name(mut one: uint32x4_t, two: uint32x4_t, three: uint32x4_t) -> uint32x4_t {
            asm!($text, inout(vreg) one, in(vreg) two, in(vreg) three, options(pure, nomem, nostack, preserves_flags));
            one
        }
    };
}
instruction!(sha256h, "sha256h {0:q}, {1:q}, {2:v}.4s");
instruction!(sha256h2, "sha256h2 {0:q}, {1:q}, {2:v}.4s");
instruction!(sha256su1, "sha256su1 {0:v}.4s, {1:v}.4s, {2:v}.4s");

#[inline]
#[target_feature(enable = "neon,sha2")]
unsafe fn sha256su0(mut one: uint32x4_t, two: uint32x4_t) -> uint32x4_t {
    asm!("sha256su0 {0:v}.4s, {1:v}.4s", inout(vreg) one, in(vreg) two, options(pure, nomem, nostack, preserves_flags));
    one
}

/// Takes whole blocks into the state.
#[target_feature(enable = "neon,sha2")]
pub unsafe fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    let mut abcd = vld1q_u32(state.as_ptr());
    let mut efgh = vld1q_u32(state.as_ptr().add(4));
    for block in blocks.chunks_exact(BLOCK) {
        let (abcd_before, efgh_before) = (abcd, efgh);
        let mut w = [vdupq_n_u32(0); 4];
        for four in 0..16 {
            let i = four % 4;
            w[i] = if four < 4 {
                vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block.as_ptr().add(16 * four))))
            } else {
                let (after, opposite, before) = (w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
                sha256su1(sha256su0(w[i], after), opposite, before)
            };
            let words = vaddq_u32(w[i], vld1q_u32(K.as_ptr().add(4 * four)));
            let abcd_now = abcd;
            abcd = sha256h(abcd, efgh, words);
            efgh = sha256h2(efgh, abcd_now, words);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state.as_mut_ptr(), abcd);
    vst1q_u32(state.as_mut_ptr().add(4), efgh);
}
