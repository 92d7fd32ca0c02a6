//! HPACK's Huffman code (RFC 7541 Appendix B).
//!
//! The code is canonical: codes of one length are numbered in the order of their symbols, so the lengths say all.

/// Bits of each symbol's code; the last is the end of the string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];

const LENGTH_MAX: usize = 30;

/// For each length: the first code, the number of codes, and where their symbols start.
struct Table {
    first: [u32; LENGTH_MAX + 1],
    count: [u32; LENGTH_MAX + 1],
    start: [usize; LENGTH_MAX + 1],
    symbols: [u16; 257],
}

static TABLE: Table = table();

const fn table() -> Table {
    let mut table = Table {
        first: [0; LENGTH_MAX + 1],
        count: [0; LENGTH_MAX + 1],
        start: [0; LENGTH_MAX + 1],
        symbols: [0; 257],
    };
    let (mut code, mut filled, mut length) = (0_u32, 0, 1);
    while length <= LENGTH_MAX {
        code <<= 1;
        table.first[length] = code;
        table.start[length] = filled;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                table.symbols[filled] = symbol as u16;
                filled += 1;
                table.count[length] += 1;
                code += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    table
}

/// Appends the text of coded bytes, at most `max` bytes of it. `false` if they are not a valid code.
pub(crate) fn decode(coded: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
    let end = out.len() + max;
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in coded {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if length > LENGTH_MAX {
                return false;
            }
            let offset = code.wrapping_sub(TABLE.first[length]);
            if offset >= TABLE.count[length] {
                continue;
            }
            match TABLE.symbols[TABLE.start[length] + offset as usize] {
                256 => return false,
                symbol if out.len() < end => out.push(symbol as u8),
                _ => {}
            }
            (code, length) = (0, 0);
        }
    }
    // The rest is filled up with ones, less than a byte of them (§5.2).
    length < 8 && code == (1 << length) - 1
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (coded, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            (
                "d07abe941054d444a8200595040b8166e082a62d1bff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            (
                "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
        ] {
            let coded: Vec<u8> = (0..coded.len() / 2)
                .map(|at| u8::from_str_radix(&coded[at * 2..at * 2 + 2], 16).unwrap())
                .collect();
            let mut out = Vec::new();
            assert!(decode(&coded, 100, &mut out), "{text}");
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn wrong_padding_is_no_code() {
        assert!(!decode(&[0xff, 0xff, 0xff, 0xff], 100, &mut Vec::new()));
        assert!(!decode(&[0x00], 100, &mut Vec::new()));
    }
}
