//! SHA-256 by the SHA extensions of x86.

use super::{BLOCK, K};
use std::arch::x86_64::*;

/// Whether this processor has them.
pub fn available() -> bool {
    std::is_x86_feature_detected!("sha") && std::is_x86_feature_detected!("sse4.1")
}

/// They keep the state as (a, b, e, f) and (c, d, g, h), highest lane first.
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
        // Four rounds. Written out, so that the schedule stays in registers: a loop is a fifth slower.
        macro_rules! rounds {
            ($($four:literal)*) => { $({
                const I: usize = $four % 4;
                w[I] = if $four < 4 {
                    let words = block.as_ptr().add(16 * $four) as *const __m128i;
                    _mm_shuffle_epi8(_mm_loadu_si128(words), big_endian)
                } else {
                    let (after, opposite, before) = (w[(I + 1) % 4], w[(I + 2) % 4], w[(I + 3) % 4]);
                    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[I], after), _mm_alignr_epi8(before, opposite, 4));
                    _mm_sha256msg2_epu32(sum, before)
                };
                let constants = _mm_loadu_si128(K.as_ptr().add(4 * $four) as *const __m128i);
                let words = _mm_add_epi32(w[I], constants);
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
            })* };
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    let feba = _mm_shuffle_epi32(abef, 0x1b);
    let dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(low, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(high, _mm_alignr_epi8(dchg, feba, 8));
}
