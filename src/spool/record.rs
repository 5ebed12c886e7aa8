//! The bytes of one record.
//!
//! ```text
//! magic 4 | meta length 4 | body length 4 | checksum of content 4 | checksum of header 4 | meta | body      (little endian)
//! ```
//!
//! Meta begins with the lane (8 bytes); before format 2 of the segments there were no lanes. Since format 3 a record without any content is
//! the end of its segment.
//!
//! Both checksums begin with the segment's random salt, and the header's also covers the record's own offset. So a body that
//! contains something that looks like a record (bodies come from outside) is never taken for one, even after damage.

/// Begins every record.
const MAGIC: [u8; 4] = *b"BgR1";
/// Bytes of the lane, with which meta begins.
pub const LANE_BYTES: usize = 8;
/// Longest record, for places are kept in 32 bits.
const LEN_MAX: u64 = 1 << 30;
/// Bytes in front of the content.
pub const HEADER_BYTES: usize = 20;

/// Random bytes of one segment, drawn when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// The length on disk of a record with this content.
pub fn encoded_len(meta: &[u8], body: &[u8]) -> u64 {
    (HEADER_BYTES + meta.len() + body.len()) as u64
}

/// The length of what the sender gave, in a record of this length on disk.
pub fn content_len(encoded_len: u64) -> u64 {
    encoded_len.saturating_sub((HEADER_BYTES + LANE_BYTES) as u64)
}

/// Whether lengths fit the format.
pub fn fits(meta: &[u8], body: &[u8]) -> bool {
    (meta.len() as u64).saturating_add(body.len() as u64) < LEN_MAX
}

/// Appends the record that will stand at `offset` to `out`. The lengths must fit (`fits`).
pub fn encode(salt: Salt, offset: u64, meta: &[u8], body: &[u8], out: &mut Vec<u8>) {
    let header = RecordHeader { meta_len: meta.len() as u32, body_len: body.len() as u32, content_sum: content_sum(salt, meta, body) };
    out.extend_from_slice(&header.to_bytes(salt, offset));
    out.extend_from_slice(meta);
    out.extend_from_slice(body);
}

/// Appends the mark that ends a segment, to stand at `offset`: what follows it is left over from a former life of the file.
pub fn encode_end(salt: Salt, offset: u64, out: &mut Vec<u8>) {
    encode(salt, offset, b"", b"", out);
}

/// What stands in front of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    meta_len: u32,
    body_len: u32,
    content_sum: u32,
}

impl RecordHeader {
    /// `None`: no undamaged record begins here.
    pub fn parse(salt: Salt, offset: u64, raw: &[u8; HEADER_BYTES]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]]);
        let header = Self { meta_len: word(4), body_len: word(8), content_sum: word(12) };
        (header.to_bytes(salt, offset) == *raw).then_some(header)
    }

    fn to_bytes(self, salt: Salt, offset: u64) -> [u8; HEADER_BYTES] {
        let mut raw = [0; HEADER_BYTES];
        raw[..4].copy_from_slice(&MAGIC);
        raw[4..8].copy_from_slice(&self.meta_len.to_le_bytes());
        raw[8..12].copy_from_slice(&self.body_len.to_le_bytes());
        raw[12..16].copy_from_slice(&self.content_sum.to_le_bytes());
        let sum = checksum(salt, &[&offset.to_le_bytes(), &raw[..16]]);
        raw[16..].copy_from_slice(&sum.to_le_bytes());
        raw
    }

    /// Bytes of meta and body together.
    pub fn content_len(&self) -> u64 {
        u64::from(self.meta_len) + u64::from(self.body_len)
    }

    /// Whether there is no content at all, as with the mark that ends a segment.
    pub fn is_empty(&self) -> bool {
        self.content_len() == 0
    }

    /// Where meta ends and the body begins.
    pub fn meta_len(&self) -> usize {
        self.meta_len as usize
    }

    /// Whether `content` is what was written.
    pub fn matches(&self, salt: Salt, content: &[u8]) -> bool {
        content.len() as u64 == self.content_len() && checksum(salt, &[content]) == self.content_sum
    }
}

/// The headers of what could be records in `bytes`, which stand at `base` in the segment: their distances from `base`, ascending. Whether
/// the content is undamaged remains to be seen.
pub fn candidates(salt: Salt, base: u64, bytes: &[u8]) -> impl Iterator<Item = u64> {
    let starts = bytes.windows(HEADER_BYTES).enumerate().filter(|(_, window)| window.starts_with(&MAGIC));
    starts.filter_map(move |(at, _)| {
        let raw = bytes[at..].first_chunk()?;
        RecordHeader::parse(salt, base + at as u64, raw).map(|_| at as u64)
    })
}

fn content_sum(salt: Salt, meta: &[u8], body: &[u8]) -> u32 {
    checksum(salt, &[meta, body])
}

fn checksum(salt: Salt, parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.0);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt([7; 16]);

    #[test]
    fn a_record_is_read_back_only_where_it_was_written() {
        let mut raw = Vec::new();
        encode(SALT, 100, b"meta", b"body", &mut raw);
        let (header, content) = raw.split_first_chunk().expect("long enough");
        let parsed = RecordHeader::parse(SALT, 100, header).expect("undamaged");
        assert!(parsed.matches(SALT, content));
        assert_eq!((parsed.meta_len(), parsed.content_len()), (4, 8));
        assert_eq!(RecordHeader::parse(SALT, 101, header), None);
        assert_eq!(RecordHeader::parse(Salt([8; 16]), 100, header), None);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut raw = Vec::new();
        encode(SALT, 32, b"m", b"some body", &mut raw);
        let is_undamaged = |raw: &[u8]| {
            let (header, content) = raw.split_first_chunk().expect("long enough");
            RecordHeader::parse(SALT, 32, header).is_some_and(|header| header.matches(SALT, content))
        };
        for bit in 0..raw.len() * 8 {
            let mut damaged = raw.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_undamaged(&damaged), "bit {bit}");
        }
        assert!(is_undamaged(&raw));
    }

    #[test]
    fn a_record_inside_a_body_is_not_taken_for_one() {
        let (mut forged, mut outer) = (Vec::new(), Vec::new());
        encode(Salt([0; 16]), 52, b"{\"project_id\":1}", b"forged", &mut forged);
        encode(SALT, 32, b"", &forged, &mut outer);
        outer[3] ^= 1;
        assert_eq!(candidates(SALT, 32, &outer).next(), None);
    }

    #[test]
    fn the_next_record_after_damage_is_found() {
        let mut raw = vec![0xff; 13];
        raw.extend_from_slice(&MAGIC);
        encode(SALT, 17, b"", b"good", &mut raw);
        assert_eq!(candidates(SALT, 0, &raw).collect::<Vec<_>>(), [17]);
    }
}
