//! A request body: content encodings, the envelope's header, item headers, framing.

use bugle::protocol::category::Category;
use bugle::protocol::{encoding, envelope as protocol};

use super::LIMIT;

/// What the first byte chooses.
const ENCODINGS: &[&str] = &["", "gzip", "deflate", "br", "zstd", "identity", "gzip, br", "x-unknown"];

/// The first byte chooses the encoding, the rest is the body.
pub fn envelope(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let encoding = ENCODINGS[usize::from(*first) % ENCODINGS.len()];
    let Ok(plain) = encoding::decode(encoding, body, LIMIT) else { return };
    assert!(plain.len() <= LIMIT, "{encoding}: {} bytes", plain.len());
    framing(&plain);
}

fn framing(plain: &[u8]) {
    let whole = protocol::parse(plain);
    let Ok((_, items)) = protocol::open(plain) else {
        assert!(whole.is_err(), "what cannot be opened cannot be parsed");
        return;
    };
    let (mut read_to, mut count, mut broken) = (plain.as_ptr() as usize, 0, false);
    for item in items {
        assert!(!broken, "nothing follows a broken item");
        let Ok(item) = item else {
            broken = true;
            continue;
        };
        // Nothing at all needs no place in the body.
        if !item.payload.is_empty() {
            let payload = item.payload.as_ptr_range();
            assert!(payload.start as usize >= read_to, "payloads do not overlap");
            assert!(payload.end as usize <= plain.as_ptr_range().end as usize, "payloads are inside the body");
            read_to = payload.end as usize;
        }
        assert!(!Category::of(&item).name().is_empty());
        item.content_type();
        count += 1;
    }
    match whole {
        Ok(whole) => assert!(!broken && whole.items.len() == count, "both readings agree"),
        Err(_) => assert!(broken, "both readings agree"),
    }
}
