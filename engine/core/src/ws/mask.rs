//! Masking (RFC 6455, section 5.3).

/// Masks or unmasks `bytes` in place with a key that starts at the first of them.
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_length_is_masked_byte_by_byte() {
        let key = [0x37, 0xFA, 0x21, 0x3D];
        for len in 0..40_u8 {
            let plain: Vec<u8> = (0..len).collect();
            let mut masked = plain.clone();
            super::apply(&mut masked, key);
            for (i, (plain, masked)) in plain.iter().zip(&masked).enumerate() {
                assert_eq!(plain ^ key[i % 4], *masked);
            }
        }
    }
}
