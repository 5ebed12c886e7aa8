//! The format of MaxMind files (<https://maxmind.github.io/MaxMind-DB/>, version 2): a binary tree over the bits of an address, then the
//! data its leaves point to, then what kind of file it is. Nothing in it is believed: every place is checked, every loop has an end.

use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use time::OffsetDateTime;

use crate::domain::geo::Place;

/// What stands before the metadata, and how far from the end it is looked for.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
const METADATA_MAX: u64 = 128 * 1_024;
/// Zero bytes between the tree and the data.
const SEPARATOR: u64 = 16;
/// Read at once while a record is decoded: most records fit.
const WINDOW: usize = 2_048;
/// Longest text, in bytes.
const TEXT_MAX: u64 = 64 * 1_024;
/// Most values of one record, and how deep they may be nested; a city has about 100, four deep.
const VALUES_MAX: usize = 2_000;
const DEPTH_MAX: usize = 16;

/// An open file with what its metadata say.
#[derive(Debug)]
pub(super) struct File {
    file: std::fs::File,
    kind: String,
    built_at: Option<OffsetDateTime>,
    node_count: u64,
    /// Bytes of a node: two records of half of it.
    node_len: u64,
    is_v6: bool,
    /// Node at which addresses of version 4 begin.
    v4_start: u64,
    len: u64,
}

/// What a record holds, as far as it is of use.
#[derive(Debug)]
enum Value {
    Text(String),
    Number(u64),
    Map(Vec<(String, Value)>),
    List(Vec<Value>),
    Other,
}

impl Value {
    fn get(&self, key: &str) -> Option<&Value> {
        if let Self::Map(entries) = self { entries.iter().find(|(known, _)| known == key).map(|(_, value)| value) } else { None }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn number(&self, key: &str) -> anyhow::Result<u64> {
        match self.get(key) {
            Some(Self::Number(number)) => Ok(*number),
            _ => bail!("it does not say its {key}"),
        }
    }

    fn english(&self) -> Option<String> {
        self.get("names")?.get("en")?.text().map(str::to_owned)
    }
}

impl File {
    /// Opens a file and reads what it says of itself.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        let start = len.saturating_sub(METADATA_MAX);
        let mut end = vec![0; usize::try_from(len - start)?];
        file.read_exact_at(&mut end, start)?;
        let found = memchr::memmem::rfind(&end, MARKER).context("this is not a MaxMind database (.mmdb)")?;
        let data_at = start + (found + MARKER.len()) as u64;
        let metadata = Decoder::new(&file, data_at, len).whole(data_at)?;
        let record_bits = metadata.number("record_size")?;
        ensure!(matches!(record_bits, 24 | 28 | 32), "records of {record_bits} bits are not known");
        let built_at = metadata.number("build_epoch").ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at.try_into().ok()?).ok());
        let mut opened = Self {
            kind: metadata.get("database_type").and_then(Value::text).unwrap_or("MaxMind database").to_owned(),
            built_at,
            node_count: metadata.number("node_count")?,
            node_len: record_bits / 4,
            is_v6: metadata.number("ip_version")? == 6,
            v4_start: 0,
            file,
            len,
        };
        ensure!(opened.node_count.checked_mul(opened.node_len).is_some_and(|tree| tree < len), "it is cut off");
        opened.v4_start = if opened.is_v6 { opened.walk(0, 0, 96)? } else { 0 };
        Ok(opened)
    }

    /// `GeoLite2-City of 2026-11-17`
    pub(super) fn describe(&self) -> String {
        self.built_at.map_or_else(|| self.kind.clone(), |at| format!("{} of {}", self.kind, at.date()))
    }

    /// The place of an address; `None` where the file has none.
    pub(super) fn lookup(&self, address: IpAddr) -> anyhow::Result<Option<Place>> {
        let end = match address.to_canonical() {
            IpAddr::V4(address) => self.walk(self.v4_start, u128::from(address.to_bits()) << 96, 32)?,
            IpAddr::V6(address) if self.is_v6 => self.walk(0, address.to_bits(), 128)?,
            IpAddr::V6(_) => return Ok(None),
        };
        if end <= self.node_count {
            return Ok(None);
        }
        let data_at = self.node_count * self.node_len + SEPARATOR;
        let record_at = data_at + (end - self.node_count).checked_sub(SEPARATOR).context("a leaf points into the tree")?;
        Ok(place(&Decoder::new(&self.file, data_at, self.len).whole(record_at)?))
    }

    /// Follows the bits of an address, the highest first, until the tree ends or they do.
    fn walk(&self, from: u64, bits: u128, count: u32) -> anyhow::Result<u64> {
        let mut node = from;
        for depth in 0..count {
            if node >= self.node_count {
                break;
            }
            node = self.child(node, bits >> (127 - depth) & 1 == 1)?;
        }
        Ok(node)
    }

    fn child(&self, node: u64, right: bool) -> anyhow::Result<u64> {
        let mut bytes = [0; 8];
        let len = usize::try_from(self.node_len)?;
        self.file.read_exact_at(&mut bytes[..len], node * self.node_len)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(match (len, right) {
            (7, false) => u64::from(bytes[3] >> 4) << 24 | number(&bytes[..3]),
            (7, true) => u64::from(bytes[3] & 0x0f) << 24 | number(&bytes[4..7]),
            (len, false) => number(&bytes[..len / 2]),
            (len, true) => number(&bytes[len / 2..len]),
        })
    }
}

/// The address' own country, else that of whom the network is registered to.
fn place(record: &Value) -> Option<Place> {
    let country = ["country", "registered_country"].iter().find_map(|key| record.get(key)?.get("iso_code")?.text())?;
    let region = match record.get("subdivisions") {
        Some(Value::List(list)) => list.first().and_then(Value::english),
        _ => None,
    };
    Some(Place { country_code: country.to_owned(), region, city: record.get("city").and_then(Value::english) })
}

/// Reads values; pointers count from `base`.
struct Decoder<'a> {
    file: &'a std::fs::File,
    base: u64,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
    values: usize,
}

impl<'a> Decoder<'a> {
    fn new(file: &'a std::fs::File, base: u64, len: u64) -> Self {
        Self { file, base, len, window: Vec::new(), window_at: 0, values: 0 }
    }

    fn whole(&mut self, at: u64) -> anyhow::Result<Value> {
        self.value(at, 0).map(|(value, _)| value)
    }

    /// The value at a place and where it ends.
    fn value(&mut self, at: u64, depth: usize) -> anyhow::Result<(Value, u64)> {
        self.values += 1;
        ensure!(depth < DEPTH_MAX && self.values < VALUES_MAX, "a record is endless");
        let control = self.byte(at)?;
        if control >> 5 == 1 {
            let (target, end) = self.pointer(at, control)?;
            return Ok((self.value(target, depth + 1)?.0, end));
        }
        let (kind, at) = if control >> 5 == 0 { (self.byte(at + 1)?.saturating_add(7), at + 2) } else { (control >> 5, at + 1) };
        let (size, at) = self.size(control & 0x1f, at)?;
        match kind {
            2 => Ok((Value::Text(String::from_utf8_lossy(self.bytes(at, size)?).into_owned()), at + size)),
            5 | 6 | 9 => {
                ensure!(size <= 8, "a number is too long");
                Ok((Value::Number(self.bytes(at, size)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))), at + size))
            }
            7 => self.map(size, at, depth),
            11 => self.list(size, at, depth),
            // A boolean is in its size.
            14 => Ok((Value::Other, at)),
            3 | 4 | 8 | 10 | 15 => Ok((Value::Other, at + size)),
            _ => bail!("a value of kind {kind} is not known"),
        }
    }

    fn map(&mut self, size: u64, mut at: u64, depth: usize) -> anyhow::Result<(Value, u64)> {
        let mut entries = Vec::new();
        for _ in 0..size {
            let (key, value_at) = self.value(at, depth + 1)?;
            let (value, end) = self.value(value_at, depth + 1)?;
            entries.push((key.text().context("a key is not a text")?.to_owned(), value));
            at = end;
        }
        Ok((Value::Map(entries), at))
    }

    fn list(&mut self, size: u64, mut at: u64, depth: usize) -> anyhow::Result<(Value, u64)> {
        let mut list = Vec::new();
        for _ in 0..size {
            let (value, end) = self.value(at, depth + 1)?;
            list.push(value);
            at = end;
        }
        Ok((Value::List(list), at))
    }

    /// Where a pointer leads, and where it ends.
    fn pointer(&mut self, at: u64, control: u8) -> anyhow::Result<(u64, u64)> {
        let len = u64::from(control >> 3 & 3) + 1;
        let given = self.bytes(at + 1, len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let high = u64::from(control & 7);
        let offset = match len {
            1 => high << 8 | given,
            2 => (high << 16 | given) + 2_048,
            3 => (high << 24 | given) + 526_336,
            _ => given,
        };
        Ok((self.base + offset, at + 1 + len))
    }

    fn size(&mut self, size: u8, at: u64) -> anyhow::Result<(u64, u64)> {
        let more = match size {
            0..29 => return Ok((u64::from(size), at)),
            size => u64::from(size - 28),
        };
        let given = self.bytes(at, more)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let base = [29, 285, 65_821][usize::try_from(more - 1)?];
        Ok((base + given, at + more))
    }

    fn byte(&mut self, at: u64) -> anyhow::Result<u8> {
        Ok(self.bytes(at, 1)?[0])
    }

    fn bytes(&mut self, at: u64, len: u64) -> anyhow::Result<&[u8]> {
        ensure!(at.checked_add(len).is_some_and(|end| end <= self.len), "it is cut off");
        ensure!(len <= TEXT_MAX, "a text is endless");
        let known = self.window_at..self.window_at + self.window.len() as u64;
        if !(known.contains(&at) && at + len <= known.end) {
            let wanted = (self.len - at).min(len.max(WINDOW as u64));
            self.window.resize(usize::try_from(wanted)?, 0);
            self.window_at = at;
            self.file.read_exact_at(&mut self.window, at)?;
        }
        let start = usize::try_from(at - self.window_at)?;
        Ok(&self.window[start..start + usize::try_from(len)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVENTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/geoip/invented.mmdb");

    fn found(file: &File, address: &str) -> Option<(String, Option<String>, Option<String>)> {
        let place = file.lookup(address.parse().expect("an address")).expect("a sound file")?;
        Some((place.country_code, place.region, place.city))
    }

    #[test]
    fn places_are_found_for_both_versions() {
        let file = File::open(Path::new(INVENTED)).expect("it opens");
        let whole = Some(("XB".into(), Some("Hornshire".into()), Some("Reveille".into())));
        assert_eq!(found(&file, "203.0.113.9"), whole);
        assert_eq!(found(&file, "::ffff:203.0.113.9"), whole);
        assert_eq!(found(&file, "2001:db8:7::1"), Some(("XC".into(), None, None)));
        assert_eq!(found(&file, "198.51.100.7"), Some(("XD".into(), None, None)));
        for nowhere in ["198.51.100.200", "127.0.0.1", "2001:db8:8::1", "::"] {
            assert_eq!(found(&file, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn no_damaged_byte_makes_it_fail_otherwise_than_with_an_error() {
        let sound = std::fs::read(INVENTED).expect("the fixture");
        let path = std::env::temp_dir().join(format!("bugle-damaged-{}.mmdb", std::process::id()));
        std::fs::write(&path, &sound).expect("written");
        let written = std::fs::OpenOptions::new().write(true).open(&path).expect("opened");
        for at in 0..sound.len() {
            let byte = [0x00, 0x3f, 0xe1, 0xff][at % 4];
            written.write_all_at(&[byte], at as u64).expect("damaged");
            if let Ok(file) = File::open(&path) {
                let _ = file.lookup("203.0.113.9".parse().expect("an address"));
                let _ = file.lookup("2001:db8:7::1".parse().expect("an address"));
            }
            written.write_all_at(&sound[at..=at], at as u64).expect("repaired");
        }
        std::fs::remove_file(&path).expect("removed");
    }
}
