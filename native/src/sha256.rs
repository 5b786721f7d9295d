//! SHA-256 (FIPS 180-4) whose state can be taken out and put back, which hashlib's cannot.
//!

#[cfg_attr(target_arch = "x86_64", path = "sha256/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "sha256/aarch64.rs")]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "sha256/other.rs")]
mod instructions;

pub use instructions::available as is_quick;

const BLOCK: usize = 64;

const INITIAL: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

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

/// Takes whole blocks into the state, by the processor's own instructions where it has them.
fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    if instructions::available() {
        unsafe { instructions::compress(state, blocks) }
    } else {
        portable(state, blocks)
    }
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
