//! SHA-256 (FIPS 180-4) whose state can be taken out and put back, which hashlib's cannot.
//!
//! The processor's own instructions are used where it has them.

const BLOCK: usize = 64;

const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// A hash under way. Python holds its bytes, and knows the place of `state` and `count`.
#[derive(Clone)]
#[repr(C)]
pub struct Sha256 {
    state: [u32; 8],
    count: u64, // bytes so far; those beyond the last whole block wait in `tail`
    tail: [u8; BLOCK],
}

impl Sha256 {
    pub fn new() -> Self {
        Sha256 { state: INITIAL, count: 0, tail: [0; BLOCK] }
    }

    pub fn update(&mut self, mut data: &[u8]) {
        let waiting = self.count as usize % BLOCK;
        self.count = self.count.wrapping_add(data.len() as u64);
        if waiting > 0 {
            let taken = data.len().min(BLOCK - waiting);
            self.tail[waiting..waiting + taken].copy_from_slice(&data[..taken]);
            if waiting + taken < BLOCK {
                return;
            }
            compress(&mut self.state, &self.tail);
            data = &data[taken..];
        }
        let (blocks, rest) = data.split_at(data.len() - data.len() % BLOCK);
        compress(&mut self.state, blocks);
        self.tail[..rest.len()].copy_from_slice(rest);
    }

    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.count.wrapping_mul(8).to_be_bytes();
        let waiting = self.count as usize % BLOCK;
        let mut padding = [0; 2 * BLOCK];
        padding[0] = 0x80;
        let length = if waiting < BLOCK - 8 { BLOCK - waiting } else { 2 * BLOCK - waiting };
        padding[length - 8..length].copy_from_slice(&bits);
        self.update(&padding[..length]);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }
}

/// Takes whole blocks into the state, by the quickest way that this processor knows.
fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("sha") && std::is_x86_feature_detected!("sse4.1") {
        return unsafe { x86::compress(state, blocks) };
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("sha2") {
        return unsafe { arm::compress(state, blocks) };
    }
    portable(state, blocks)
}

/// As FIPS 180-4 section 6.2.2 says it, with a schedule of 16 words that moves along.
fn portable(state: &mut [u32; 8], blocks: &[u8]) {
    for block in blocks.chunks_exact(BLOCK) {
        let mut w = [0u32; 16];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for t in 0..64 {
            if t >= 16 {
                let (w15, w2) = (w[(t + 1) % 16], w[(t + 14) % 16]);
                let small0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ (w15 >> 3);
                let small1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ (w2 >> 10);
                w[t % 16] = w[t % 16].wrapping_add(small0).wrapping_add(w[(t + 9) % 16]).wrapping_add(small1);
            }
            let big1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let t1 = h.wrapping_add(big1).wrapping_add(choice).wrapping_add(K[t]).wrapping_add(w[t % 16]);
            let big0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & b) ^ (a & c) ^ (b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(t1));
            (d, c, b, a) = (c, b, a, t1.wrapping_add(big0).wrapping_add(majority));
        }
        for (word, more) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(more);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK, K};
    use std::arch::x86_64::*;

    /// By the SHA extensions, which keep the state as (a, b, e, f) and (c, d, g, h), highest lane first.
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    pub unsafe fn compress(state: &mut [u32; 8], blocks: &[u8]) {
        let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let low = state.as_mut_ptr() as *mut __m128i;
        let high = low.add(1);
        let cdab = _mm_shuffle_epi32(_mm_loadu_si128(low), 0xb1);
        let efgh = _mm_shuffle_epi32(_mm_loadu_si128(high), 0x1b);
        let mut abef = _mm_alignr_epi8(cdab, efgh, 8);
        let mut cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
        for block in blocks.chunks_exact(BLOCK) {
            let (abef_before, cdgh_before) = (abef, cdgh);
            let mut w = [_mm_setzero_si128(); 4];
            for four in 0..16 {
                let i = four % 4;
                w[i] = if four < 4 {
                    let words = block.as_ptr().add(16 * four) as *const __m128i;
                    _mm_shuffle_epi8(_mm_loadu_si128(words), big_endian)
                } else {
                    let (after, opposite, before) = (w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
                    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i], after), _mm_alignr_epi8(before, opposite, 4));
                    _mm_sha256msg2_epu32(sum, before)
                };
                let constants = _mm_loadu_si128(K.as_ptr().add(4 * four) as *const __m128i);
                let words = _mm_add_epi32(w[i], constants);
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
            }
            abef = _mm_add_epi32(abef, abef_before);
            cdgh = _mm_add_epi32(cdgh, cdgh_before);
        }
        let feba = _mm_shuffle_epi32(abef, 0x1b);
        let dchg = _mm_shuffle_epi32(cdgh, 0xb1);
        _mm_storeu_si128(low, _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128(high, _mm_alignr_epi8(dchg, feba, 8));
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{BLOCK, K};
    use std::arch::aarch64::*;
    use std::arch::asm;

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

    /// By the SHA2 instructions of ARMv8.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_way_is_the_processors() {
        let blocks: Vec<u8> = (0..BLOCK * 9).map(|i| (i * 131 % 251) as u8).collect();
        let (mut one, mut other) = (INITIAL, INITIAL);
        portable(&mut one, &blocks);
        compress(&mut other, &blocks);
        assert_eq!(one, other);
    }
}
