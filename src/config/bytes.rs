//! Sizes as people write them.

/// `1 MiB`, `20MB`, `512k`, `1048576`. `None`: not a size.
pub fn parse(raw: &str) -> Option<usize> {
    let raw = raw.trim();
    let digits = raw.find(|c: char| !c.is_ascii_digit()).unwrap_or(raw.len());
    let number: usize = raw[..digits].parse().ok()?;
    let unit: usize = match raw[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "t" | "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (raw, size) in [("1 MiB", 1 << 20), ("20MB", 20_000_000), ("512k", 512 << 10), (" 1048576 ", 1_048_576), ("7 bytes", 7)] {
            assert_eq!(parse(raw), Some(size), "{raw}");
        }
        for raw in ["", "MiB", "-1", "1.5 MiB", "1 parsec", "99999999999999999999", "99999999999 GiB"] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }
}
